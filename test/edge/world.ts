import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { commands } from '../../domain/catalogue.js';
import type { Actor, Aggregate, AnyCommandDefinition } from '../../domain/decider.js';
import type { DomainEvent, RecordedEvent } from '../../domain/event.js';
import { streamName } from '../../domain/ids.js';
import { Rejection } from '../../domain/rejections.js';
import { projections } from '../../projections/catalogue.js';
import type { Document, Found, Query, Reader } from '../../projections/reader.js';
import { type Authenticator, type Ending, type Session, Unauthenticated } from '../../src/auth/session.js';
import { publishEvent } from '../../src/broker/feed-publisher.js';
import { InProcessBroker } from '../../src/broker/in-process.js';
import type { Broker } from '../../src/broker/port.js';
import { CommandLimits } from '../../src/commands/command-limits.js';
import {
  type CommandPipeline,
  CommandRejected,
  type CommandReply,
  type CommandRequest,
  InvalidInput,
} from '../../src/commands/port.js';
import { type Edge, type EdgeOptions, startEdge } from '../../src/edge/edge.js';
import type { Codec } from '../../src/event-store/codec.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { hashEvent } from '../../src/event-store/hash.js';
import { memoryEventStore } from '../../src/event-store/memory.js';
import type { EventStore } from '../../src/event-store/port.js';
import { memoryKeys } from '../../src/keys/memory.js';
import { Relay, type RelayOptions } from '../../src/relay/relay.js';

/** A product without disk and HTTP: log, codec and deciders are the real ones. */

const unlimited = new CommandLimits({ posting: 1e9, creating: 1e9, administering: 1e9 });
const silent = pino({ level: 'silent' });

/** A person's access token is their id. */
export const personOf = (digit: number) => `0190000${digit}-0000-7000-8000-000000000000`;

export interface World {
  readonly eventStore: EventStore;
  readonly codec: Codec;
  readonly broker: Broker;
  readonly commands: TestCommands;
  readonly authenticator: TestAuthenticator;
  readonly readStore: TestReadStore;
  startEdge(options?: Partial<EdgeOptions>): Promise<Edge>;
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly transport: 'uws' | 'ws';
  /** What the edge hears of; the in-process broker unless told. */
  readonly broker?: Broker;
  /** Without one, the edge must read the log by itself; or how often it announces. */
  readonly relay?: boolean | Pick<RelayOptions, 'coalesceMs' | 'signOfLifeMs'>;
}

export async function makeWorld({ transport, relay = true, ...options }: WorldOptions): Promise<World> {
  const eventStore = memoryEventStore();
  const codec = createCodec(memoryKeys());
  const broker = options.broker ?? new InProcessBroker((error) => console.error(error));
  const readStore = new TestReadStore(eventStore, codec);
  const testCommands = new TestCommands(eventStore, codec, broker);
  const authenticator = new TestAuthenticator();
  const edges: Edge[] = [];
  const pace = typeof relay === 'object' ? relay : {};
  const running = relay ? await Relay.start({ eventStore, broker, onError: console.error, ...pace }) : undefined;
  return {
    eventStore,
    codec,
    broker,
    commands: testCommands,
    authenticator,
    readStore,
    async startEdge(edgeOptions) {
      const edge = await startEdge({
        host: '127.0.0.1',
        port: 0,
        transport,
        eventStore,
        codec,
        readStore,
        positions: readStore,
        broker,
        commands: testCommands,
        commandLimits: unlimited,
        authenticator,
        allowedOrigins: ['https://app.example'],
        logger: silent,
        ...edgeOptions,
      });
      edges.push(edge);
      return edge;
    },
    async close() {
      for (const edge of edges) await edge.close();
      await running?.stop();
      await eventStore.close();
    },
  };
}

/** Lets in whoever says who they are: `<person id>` or `<person id> <ms until it expires>`, also as a ticket. */
export class TestAuthenticator implements Authenticator {
  readonly #listeners = new Set<(personId?: string) => void>();
  readonly #endings = new Map<string, Ending>();

  async authenticate(token: string): Promise<Session> {
    const [id = '', ms = '3600000'] = token.split(' ');
    if (!id.startsWith('0190')) throw new Unauthenticated();
    this.#endings.delete(id);
    return { actor: { id }, expiresAt: Date.now() + Number(ms) };
  }

  authenticateCookie(cookie: string): Promise<Session> {
    return this.authenticate(cookie);
  }

  authenticateTicket(ticket: string): Promise<Session> {
    return this.authenticate(ticket);
  }

  async check(session: Session): Promise<Session | Ending> {
    return this.#endings.get(session.actor.id) ?? session;
  }

  onChange(listener: (personId?: string) => void) {
    this.#listeners.add(listener);
    return { unsubscribe: () => void this.#listeners.delete(listener) };
  }

  /** Ends the sessions of a person; the next one they begin is good again. */
  end(personId: string, ending: Ending): void {
    this.#endings.set(personId, ending);
    for (const listener of this.#listeners) listener(personId);
  }
}

/** Commands one after the other, of one stream each; a key has one effect. */
export class TestCommands implements CommandPipeline {
  #last: Promise<unknown> = Promise.resolve();
  readonly #byKey = new Map<string, Promise<CommandReply>>();
  readonly #streams = new Map<string, RecordedEvent[]>();
  readonly #states = new Map<string, unknown>();
  #executed = 0;

  constructor(
    private readonly eventStore: EventStore,
    private readonly codec: Codec,
    private readonly broker: Broker,
  ) {}

  #holding: Promise<void> = Promise.resolve();
  /** Lets held commands go on. */
  release: () => void = () => {};
  /** Number of requests that came while commands are held. */
  held = 0;

  /** Commands wait from now on until they are released. */
  hold(): void {
    this.held = 0;
    this.#holding = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  /** Number of commands that were not refused or repeated. */
  get executed(): number {
    return this.#executed;
  }

  as(person: string, type: CommandRequest['type'], input: unknown): Promise<CommandReply> {
    return this.execute({ type, input, actor: { id: person } });
  }

  execute(request: CommandRequest): Promise<CommandReply> {
    this.held += 1;
    const key = request.idempotencyKey && `${request.actor.id} ${request.type} ${request.idempotencyKey}`;
    const known = key ? this.#byKey.get(key) : undefined;
    if (known) return known;
    const done = Promise.all([this.#holding, this.#last]).then(() => this.#execute(request));
    this.#last = done.catch(() => {});
    if (key) this.#byKey.set(key, done);
    return done;
  }

  async executeTogether(requests: readonly CommandRequest[]): Promise<CommandReply[]> {
    return Promise.all(requests.map((request) => this.execute(request)));
  }

  async loadState<State>(aggregate: Aggregate<State>, stream: string): Promise<State> {
    return (this.#states.get(stream) as State | undefined) ?? aggregate.initialState();
  }

  async drain(): Promise<void> {
    await this.#last;
  }

  async #execute({ type, input, actor }: CommandRequest): Promise<CommandReply> {
    const definition = commands.get(type) as AnyCommandDefinition;
    const parsed = definition.input.safeParse(input);
    if (!parsed.success) throw InvalidInput.of(parsed.error, definition.input, input);
    const newId = definition.idForm === 'hex16' ? randomUUID().replaceAll('-', '').slice(0, 16) : randomUUID();
    const stream = streamName(definition.aggregate.category, definition.streamId(parsed.data, newId));
    const past = this.#streams.get(stream) ?? [];
    const state = this.#states.get(stream) ?? definition.aggregate.initialState();
    const loads = definition.loads(parsed.data);
    const loaded = loads === undefined ? undefined : past[loads];
    const decision = definition.decide(
      state,
      { input: parsed.data, actor, now: Date.now(), newId, ...(loaded && { loaded }) },
      {},
    );
    if (decision instanceof Rejection) throw new CommandRejected(decision.code, decision.detail, decision.field);
    const recorded = await this.append(stream, decision, actor);
    this.#states.set(
      stream,
      recorded.reduce((folded, event) => definition.aggregate.evolve(folded, event), state),
    );
    this.#executed += 1;
    const last = recorded.at(-1) ?? past.at(-1);
    return {
      ...definition.reply(recorded, parsed.data),
      stream,
      revision: last?.revision ?? -1,
      position: String(last?.position ?? 0n),
    };
  }

  /** Appends events to the end of a stream, and publishes them. */
  async append(stream: string, events: readonly DomainEvent[], actor: Actor): Promise<RecordedEvent[]> {
    await this.codec.prepare(events);
    const [last] = await this.eventStore.readStream(stream, { direction: 'backwards', limit: 1 });
    const now = new Date().toISOString();
    const encoded = events.map((event) =>
      this.codec.encode(event, randomUUID(), {
        commandId: randomUUID(),
        commandType: 'test',
        commandHash: '',
        actor: actor.id,
        correlation: randomUUID(),
        occurredAt: now,
        recordedAt: now,
        prevHash: last ? hashEvent(last) : '',
      }),
    );
    if (encoded.length === 0) return [];
    const stored = await this.eventStore.append([{ stream, expectedRevision: last?.revision ?? -1, events: encoded }]);
    const recorded = await this.codec.decode(stored);
    const past = this.#streams.get(stream) ?? [];
    this.#streams.set(stream, past);
    past.push(...recorded);
    for (const event of recorded) publishEvent(this.broker, event);
    return recorded;
  }
}

/** Documents folded from the log when they are waited for, or when `follows` is on, when they are read. */
export class TestReadStore {
  readonly #documents = new Map<string, Map<string, unknown>>();
  #position = 0n;
  /** Whether reading brings it up to date first; off, it is as far behind as it was. */
  follows = true;

  constructor(
    private readonly eventStore: EventStore,
    private readonly codec: Codec,
  ) {}

  async read<T>(body: (reader: Reader) => Promise<T> | T): Promise<T> {
    if (this.follows) await this.#foldOn();
    return body({
      get: async <D = Document>(collection: string, id: string) =>
        structuredClone(this.#documents.get(collection)?.get(id)) as D | undefined,
      getMany: async <D = Document>(collection: string, ids: readonly string[]) =>
        new Map(
          ids.flatMap((id) => {
            const document = this.#documents.get(collection)?.get(id);
            return document ? [[id, structuredClone(document) as D] as const] : [];
          }),
        ),
      find: async <D = Document>(collection: string, query: Query) => this.#find<D>(collection, query),
    });
  }

  /** By id only, in the order of ids. */
  #find<D>(collection: string, { idAfter = '', idBefore, descending, limit }: Query): Found<D>[] {
    const found = [...(this.#documents.get(collection) ?? [])]
      .map(([id, document]) => ({ id, document: structuredClone(document) as D }))
      .filter(({ id }) => id > idAfter && (idBefore === undefined || id < idBefore))
      .sort((one, other) => (one.id < other.id ? -1 : 1));
    return (descending ? found.reverse() : found).slice(0, limit);
  }

  async waitFor(_projections: readonly string[], position: bigint): Promise<boolean> {
    if (this.#position < position) await this.#foldOn();
    return this.#position >= position;
  }

  async #foldOn(): Promise<void> {
    for (const event of await this.codec.decode(await this.eventStore.readAll(this.#position, 1_000_000))) {
      if (event.position <= this.#position) continue;
      this.#position = event.position;
      for (const { collections } of projections) for (const collection of collections) this.#fold(collection, event);
    }
  }

  #fold(collection: (typeof projections)[number]['collections'][number], event: RecordedEvent): void {
    const documents = this.#documents.get(collection.name) ?? new Map();
    this.#documents.set(collection.name, documents);
    for (const type of [event.type, '*']) {
      const fold = collection.folds.get(type);
      for (const id of fold?.ids(event) ?? []) {
        const next = fold?.fold(documents.get(id), event, id);
        if (next === undefined) documents.delete(id);
        else documents.set(id, next);
      }
    }
  }
}

/** Creates a public channel owned by the person. */
export async function createChannel(
  world: World,
  owner: string,
  fields: { kind?: 'public' | 'private'; history?: 'all' | 'since-joined' } = {},
): Promise<{ id: string; feed: string }> {
  const { id, stream } = await world.commands.as(owner, 'conversations.CreateChannel', { name: 'talk', ...fields });
  return { id, feed: stream };
}

export function post(world: World, author: string, channelId: string, text: string): Promise<CommandReply> {
  return world.commands.as(author, 'conversations.PostMessage', { channelId, text });
}

/** Waits until something holds. */
export async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
