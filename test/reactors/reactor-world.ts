import { onTestFinished } from 'vitest';
import type { Pipeline } from '../../src/commands/pipeline.js';
import type { CommandPipeline, CommandRequest } from '../../src/commands/port.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { memoryEventStore } from '../../src/event-store/memory.js';
import { LogReactor, type LogReactorOptions, type Reaction } from '../../src/reactors/log-reactor.js';
import { World } from '../commands/world.js';

export const done = { outcome: 'done' } as const satisfies Reaction;
export const failed = { outcome: 'failed', reason: 'busy' } as const satisfies Reaction;
export const blocked = { outcome: 'blocked', reason: 'down' } as const satisfies Reaction;
export const impossible = { outcome: 'given-up', reason: '550' } as const satisfies Reaction;

const quick = { firstMs: 1, longestMs: 20 };

/** People become known, and a reactor greets each of them. */
export class GreetingWorld {
  /** Whom it was told to greet, each time that it was: names, in order. */
  readonly greeted: (string | null)[] = [];
  /** What becomes of a greeting. */
  answer: (name: string | null) => Reaction | Promise<Reaction> = () => done;

  static async open(): Promise<GreetingWorld> {
    const world = await World.open();
    return new GreetingWorld(world, await world.process());
  }

  private constructor(
    readonly world: World,
    readonly pipeline: Pipeline,
  ) {}

  /** Makes a person known. @param digit - tells people apart */
  async introduce(name: string, digit: number, more: Partial<CommandRequest> = {}): Promise<void> {
    const personId = `0190000${digit.toString().padStart(5, '0')}`.replace(
      /^(.{8})(.{4})$/,
      '$1-$2-7000-8000-000000000000',
    );
    await this.pipeline.execute({
      type: 'identity.IntroducePerson',
      input: { personId, name },
      actor: { id: 'system' },
      ...more,
    });
  }

  async start(options: Partial<LogReactorOptions> = {}): Promise<LogReactor> {
    const reactor = await LogReactor.start({
      name: 'greeter',
      eventStore: memoryEventStore(this.world.log),
      codec: createCodec(this.world.keys),
      commands: this.pipeline,
      logger: this.world.logger,
      reactsTo: new Set(['identity.ProfileCreated']),
      react: async ({ data }) => {
        const { name } = data as { name: string | null };
        this.greeted.push(name);
        return this.answer(name);
      },
      retry: quick,
      unblock: quick,
      ...options,
    });
    onTestFinished(() => reactor.stop());
    return reactor;
  }

  /** The events that tell of the reactor's progress. */
  async progress(): Promise<{ type: string; data: Record<string, unknown> }[]> {
    const events = await this.world.events();
    return events
      .filter(({ stream }) => stream === 'reactor-greeter')
      .map(({ type, data }) => ({ type: type.split('.')[1] as string, data: data as Record<string, unknown> }));
  }
}

/** The pipeline, but what a reactor has done can't be recorded. */
export function withoutRecord(pipeline: CommandPipeline, failures = Number.POSITIVE_INFINITY): CommandPipeline {
  let left = failures;
  return {
    execute(request) {
      if (request.type !== 'reactors.RecordProgress' || left === 0) return pipeline.execute(request);
      left -= 1;
      return Promise.reject(new Error('the disk is full'));
    },
    executeTogether: (requests) => pipeline.executeTogether(requests),
    loadState: (aggregate, stream) => pipeline.loadState(aggregate, stream),
    drain: () => pipeline.drain(),
  };
}
