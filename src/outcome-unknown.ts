/**
 * It can't be known whether something was written: the disk has failed, or a server has not answered. Callers are told so
 * and send it again, under the same key.
 */
export class OutcomeUnknown extends Error {}
