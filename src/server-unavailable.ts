/**
 * A server that the settings name does not answer, or refuses us; the message names it without credentials. At the start
 * that ends the process. Later it is tried again, and callers are told to do so as well.
 */
export class ServerUnavailable extends Error {}
