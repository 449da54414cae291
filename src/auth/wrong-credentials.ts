/** Why someone is not let in who has asked for nothing wrong. */

/** The password, or the code, is wrong; or there is no such account. */
export class WrongCredentials extends Error {}

/** The password was right, and a second factor is asked for: to be given with the challenge. */
export class SecondFactorRequired extends Error {
  constructor(readonly challenge: string) {
    super('a second factor is required');
  }
}
