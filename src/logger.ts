import { type Logger, pino } from 'pino';
import type { Config } from './config.js';

/** Logs go to stderr; stdout is for what a person at a terminal should read. */
export function createLogger({ logLevel }: Pick<Config, 'logLevel'>): Logger {
  return pino({ level: logLevel }, pino.destination({ fd: 2, sync: true }));
}
