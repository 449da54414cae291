import { BlockList, isIP } from 'node:net';
import { type AddressRule, platformSecurity, platformSecurityId } from '../../domain/identity/platform-security.js';
import type { Subscription } from '../broker/port.js';
import type { LiveStreams } from '../relay/live-streams.js';

/**
 * From which addresses the platform may be reached: from all, where there is no rule. What a rule denies stays out,
 * whatever another one allows; where any rule allows, what none of them names stays out as well.
 */
export class AddressRules {
  readonly #denied = new BlockList();
  readonly #allowed = new BlockList();
  readonly #count: number;
  readonly #allows: boolean;

  constructor(rules: readonly Pick<AddressRule, 'cidr' | 'action'>[]) {
    this.#count = rules.length;
    this.#allows = rules.some(({ action }) => action === 'allow');
    for (const { cidr, action } of rules) {
      const [network = '', prefix] = cidr.split('/');
      const list = action === 'deny' ? this.#denied : this.#allowed;
      list.addSubnet(network, Number(prefix), isIP(network) === 6 ? 'ipv6' : 'ipv4');
    }
  }

  /** @param address - IPv4 or IPv6; an IPv4 address is the same inside an IPv6 one */
  permits(address: string): boolean {
    if (this.#count === 0) return true;
    const family = isIP(address);
    if (family === 0) return false;
    const kind = family === 6 ? 'ipv6' : 'ipv4';
    if (this.#denied.check(address, kind)) return false;
    return !this.#allows || this.#allowed.check(address, kind);
  }
}

/** Where requests are let in from, at this moment. */
export interface AddressGate {
  permits(address: string): boolean;
}

/** One that changes, so that who is in may have to leave. */
export interface ChangingGate extends AddressGate {
  /** Calls the listener whenever it may let in others than before. */
  onChange(listener: () => void): Subscription;
}

export const openGate: ChangingGate = { permits: () => true, onChange: () => ({ unsubscribe() {} }) };

export interface LiveAddressRulesOptions {
  readonly liveStreams: Pick<LiveStreams, 'current' | 'latest' | 'onGrowth'>;
  /** Told when the rules can't be read; those that were read last hold until they can. */
  onError(error: unknown): void;
}

/** The rules that administrators have made, as they are in the log: known without a wait, since they are asked first. */
export class LiveAddressRules implements ChangingGate {
  #rules = new AddressRules([]);
  #revision = -1;
  #following: Subscription | undefined;
  readonly #listeners = new Set<() => void>();

  private constructor(private readonly options: LiveAddressRulesOptions) {}

  /** @throws if the log can't be read */
  static async start(options: LiveAddressRulesOptions): Promise<LiveAddressRules> {
    const live = new LiveAddressRules(options);
    live.#following = options.liveStreams.onGrowth(platformSecurity.category, () => {
      live.#read().catch((error: unknown) => options.onError(error));
    });
    await live.#read();
    return live;
  }

  stop(): void {
    this.#following?.unsubscribe();
  }

  permits(address: string): boolean {
    return this.#rules.permits(address);
  }

  onChange(listener: () => void): Subscription {
    this.#listeners.add(listener);
    return { unsubscribe: () => void this.#listeners.delete(listener) };
  }

  /** Every rule that was made before the call, in the order in which they were made. */
  async list(): Promise<readonly AddressRule[]> {
    return (await this.options.liveStreams.latest(platformSecurity, platformSecurityId)).addressRules;
  }

  async #read(): Promise<void> {
    const { addressRules, changedAt } = await this.options.liveStreams.current(platformSecurity, platformSecurityId);
    if (changedAt === this.#revision) return;
    this.#revision = changedAt;
    this.#rules = new AddressRules(addressRules);
    for (const listener of this.#listeners) listener();
  }
}
