import { administrationCommands } from './administration.js';
import { credentialCommands } from './credential-commands.js';
import { registrationCommands } from './registration.js';
import { secondFactorCommands } from './second-factor-commands.js';
import { sessionCommands } from './session-commands.js';

/** Every command on an account. */
export const accountCommands = [
  ...registrationCommands,
  ...credentialCommands,
  ...sessionCommands,
  ...secondFactorCommands,
  ...administrationCommands,
] as const;
