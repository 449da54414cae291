import { z } from 'zod';
import { personName, profileFields, settings } from '../../../domain/identity/profile.js';
import { personId } from '../../../domain/ids.js';
import { platformRoles } from '../../../domain/permissions.js';
import { givenPassword, newPassword } from '../../auth/password-rules.js';
import { importedPasswordHash } from '../../auth/passwords.js';
import type { BodySettings } from '../route.js';

/** What people send and get when they register, log in, and change what they are known by. */

const maxEmailLength = 254;
const maxTokenLength = 2_048;

export const username = z
  .string()
  .trim()
  .min(1, 'is required')
  .max(80, 'must be at most 80 characters')
  .regex(/^[^@\s\p{C}]+$/u, 'must not hold spaces, control characters or @');

export const email = z
  .string()
  .trim()
  .max(maxEmailLength, `must be at most ${maxEmailLength} characters`)
  .pipe(z.email('must be an e-mail address'));

const mailedToken = z.string().min(1, 'is required').max(maxTokenLength);
const code = z.string().trim().min(6, 'must be at least 6 characters').max(64);

export const registration = ({ passwordMinLength }: BodySettings) =>
  z.strictObject({
    email,
    name: personName,
    password: newPassword(passwordMinLength),
    username: username.optional(),
  });
export type Registration = z.infer<ReturnType<typeof registration>>;

export const credentials = z
  .strictObject({
    email: z.string().trim().max(maxEmailLength).optional(),
    username: z.string().trim().max(maxEmailLength).optional(),
    password: givenPassword,
    code: code.optional().meta({ description: 'Of the authenticator app, or a recovery code.' }),
  })
  .refine(({ email, username }) => (email === undefined) !== (username === undefined), {
    path: ['email'],
    message: 'or username is required, and only one of them',
  });
export type SignIn = z.infer<typeof credentials>;

export const challengeAnswer = z.strictObject({ challenge: mailedToken, code });
export const refreshRequest = z.strictObject({ refreshToken: mailedToken });
export const mailedTokenRequest = z.strictObject({ token: mailedToken });
export const emailRequest = z.strictObject({ email });
export const passwordReset = ({ passwordMinLength }: BodySettings) =>
  z.strictObject({ token: mailedToken, password: newPassword(passwordMinLength) });
export const passwordChange = ({ passwordMinLength }: BodySettings) =>
  z.strictObject({ currentPassword: givenPassword, newPassword: newPassword(passwordMinLength) });
export const emailChange = z.strictObject({ email, password: givenPassword });
export const passwordConfirmation = z.strictObject({ password: givenPassword });
export const codeConfirmation = z.strictObject({ code });

export const user = z.object({
  id: z.string(),
  email: z.string().nullable(),
  emailVerified: z.boolean(),
  name: z.string().nullable(),
  username: z.string().nullable(),
  role: z.enum(platformRoles),
  avatar: z.string().nullable(),
  timeZone: z.string().nullable(),
  locale: z.string().nullable(),
});

export const issuedCredentials = z.object({
  user,
  accessToken: z.string().meta({ description: 'To be sent as `Authorization: Bearer …`.' }),
  refreshToken: z.string().meta({ description: 'To be exchanged once at `auth/refresh`.' }),
  expiresIn: z.number().int().meta({ description: 'Lifetime of the access token in seconds.' }),
  expiresAt: z.iso.datetime(),
});

export const recoveryCodes = z.object({
  recoveryCodes: z.array(z.string()).meta({ description: 'Shown this once; each is good once.' }),
});

export const newAccount = ({ passwordMinLength }: BodySettings) =>
  z.strictObject({
    email: email.optional(),
    name: personName,
    username: username.optional(),
    password: newPassword(passwordMinLength).optional(),
    passwordHash: z
      .string()
      .refine((hash) => importedPasswordHash(hash) !== undefined, 'must be a hash of bcrypt')
      .optional()
      .meta({ description: 'In place of the password: what another system kept of it (`$2a$`, `$2b$`, `$2y$`).' }),
    role: z.enum(platformRoles).optional(),
  });

const changes = {
  name: profileFields.name.optional(),
  username: username.optional(),
  avatar: profileFields.avatar.optional(),
  timeZone: profileFields.timeZone.optional(),
  locale: profileFields.locale.optional(),
};

export const ownChanges = z.strictObject(changes);
export const accountChanges = ({ passwordMinLength }: BodySettings) =>
  z.strictObject({
    ...changes,
    email: email.nullable().optional(),
    password: newPassword(passwordMinLength).optional(),
  });

export const roleAssignment = z.strictObject({ role: z.enum(platformRoles) });
export const deactivation = z.strictObject({ reason: z.string().trim().max(500).optional() }).optional();
export { settings };

/** The path says it all. */
export const nothing = z.strictObject({}).optional();

export const ofPerson = z.strictObject({ personId });
