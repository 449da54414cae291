import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { CommandExecutor, CommandPipeline, CommandRequest } from './commands/port.js';
import { toProblem } from './problems.js';

const secondBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** What `/metrics` shows: of the process, of its commands, and what its parts add. */
export class Metrics {
  readonly registry = new Registry();
  readonly #commands = new Histogram({
    name: 'parley_command_duration_seconds',
    help: 'Time from taking a command to its answer, by type and outcome (accepted, or the problem it was refused with).',
    labelNames: ['type', 'outcome'],
    buckets: secondBuckets,
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Shows a number that is read when somebody asks. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      async collect() {
        this.set(await read());
      },
    });
  }

  /** Shows a number for each value of a label that there is at the time. */
  gaugeBy(name: string, help: string, label: string, read: () => Promise<(readonly [string, number])[]>): void {
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [this.registry],
      async collect() {
        const numbers = await read();
        this.reset();
        for (const [value, number] of numbers) this.set({ [label]: value }, number);
      },
    });
  }

  /** Counts what happens, for each value of a label. @returns what is to be called each time */
  counterBy<Value extends string>(name: string, help: string, label: string): (value: Value) => void {
    const counter = new Counter({ name, help, labelNames: [label], registers: [this.registry] });
    return (value) => counter.inc({ [label]: value });
  }

  /** The pipeline, timing what goes through it. */
  timed(pipeline: CommandPipeline): CommandPipeline {
    return {
      ...this.timedExecutor(pipeline),
      executeTogether: (requests) => this.#time(requests, pipeline.executeTogether(requests)),
      loadState: (aggregate, stream) => pipeline.loadState(aggregate, stream),
      drain: () => pipeline.drain(),
    };
  }

  timedExecutor(executor: CommandExecutor): CommandExecutor {
    return { execute: (request) => this.#time([request], executor.execute(request)) };
  }

  #time<T>(requests: readonly CommandRequest[], executed: Promise<T>): Promise<T> {
    const start = performance.now();
    const observe = (outcome: string) => {
      const seconds = (performance.now() - start) / 1_000;
      for (const { type } of requests) this.#commands.observe({ type, outcome }, seconds);
    };
    return executed.then(
      (result) => {
        observe('accepted');
        return result;
      },
      (error: unknown) => {
        observe(toProblem(error).code);
        throw error;
      },
    );
  }
}
