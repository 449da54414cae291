import type { AddressGate } from '../auth/address-rules.js';
import type { ClientForwarding } from '../client-forwarding.js';
import { type ProblemCode, problemOf } from '../problems.js';
import type { Proxies } from '../proxies.js';
import type { Admission, UpgradeRequest } from './transport/port.js';

export interface AdmissionRules {
  /** Whether pages of this origin may connect. */
  readonly mayConnect: (origin: string) => boolean;
  readonly proxies: Proxies;
  readonly addressRules: AddressGate;
  /** Recognises sockets that the api of the same process forwards. */
  readonly forwarding: ClientForwarding;
}

/** Decides whether a request for a socket is answered with one, before anything else of it is looked at. */
export function admit(rules: AdmissionRules, { remoteAddress, headers }: UpgradeRequest): Admission {
  const forwarded = rules.forwarding.addressIn(headers);
  const address = forwarded ?? rules.proxies.address(remoteAddress, headers);
  if (!rules.addressRules.permits(address)) return refuse('address-refused');
  if (forwarded === undefined && rules.proxies.mustHaveTls && !rules.proxies.cameOverTls(headers)) {
    return refuse('https-required');
  }
  const { origin, authorization = '' } = headers;
  if (origin !== undefined && !rules.mayConnect(origin)) return refuse('cross-site-request');
  return { handshake: { authorization, address } };
}

function refuse(code: ProblemCode): Admission {
  return { refusal: problemOf(code) };
}
