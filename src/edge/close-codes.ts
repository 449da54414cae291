/**
 * Every code with which the edge closes a socket. 3000–3499 mean that the client should connect again and resume from
 * its revisions; 3500–3999 that it should not, since the same would happen again.
 */
export const closeCodes = {
  'shutting-down': { code: 3000, reason: 'the server is about to stop: connect again' },
  'session-expired': { code: 3001, reason: 'the session has expired: connect again with a new access token' },
  'too-slow': { code: 3002, reason: 'too slow for the feeds followed: connect again and resume' },
  'log-unreachable': { code: 3003, reason: 'the log can not be read at the moment: connect again and resume' },
  'lifetime-over': { code: 3004, reason: 'the connection has lasted long enough: connect again and resume' },
  busy: { code: 3005, reason: 'too many connections at the moment: connect again later' },

  unauthenticated: { code: 3500, reason: 'the access token is not valid' },
  'authentication-late': { code: 3501, reason: 'no authenticate message came in time' },
  'authentication-missing': { code: 3502, reason: 'the first message must be authenticate' },
  'not-json': { code: 3510, reason: 'a message was not JSON' },
  'not-text': { code: 3511, reason: 'messages must be text' },
  'not-a-message': { code: 3512, reason: 'a message must be an object with a known op' },
  'too-large': { code: 3513, reason: 'a message was too large' },
  flooding: { code: 3514, reason: 'too many messages' },
  'too-many-sockets': { code: 3520, reason: 'too many connections of one person' },
  'logged-out': { code: 3530, reason: 'logged out' },
  banned: { code: 3531, reason: 'banned' },
  'address-refused': { code: 3532, reason: 'this can not be reached from your address' },
} as const;

export type CloseCause = keyof typeof closeCodes;

/** Codes of RFC 6455 with which transports close what would fail again: protocol, type, encoding, size. */
const terminalStandardCodes: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1009]);

/** Whether a client should not connect again. */
export function isTerminal(code: number): boolean {
  return (code >= 3500 && code <= 3999) || terminalStandardCodes.has(code);
}
