import type { Config } from './config.js';

const localOrigin = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/** Whether pages of this origin may call us: those that are set, and outside production those of this machine. */
export function mayCall({ environment, origins }: Pick<Config, 'environment' | 'origins'>, origin: string): boolean {
  return origins.includes(origin) || (environment !== 'production' && localOrigin.test(origin));
}

/** The URL of what listens on this host and port, as seen from this machine. */
export function urlOf(host: string, port: number): string {
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}
