import type { Language } from './letters.js';

const notYou = 'If that was not you, reset your password at once, and tell whoever runs this service.';

export const english: Language = {
  tag: 'en',
  greeting: 'Hello,',
  linkIsGoodUntil: (moment) => `The link works once, until ${moment}.`,
  ending: 'Nobody reads replies to this mail.',
  requests: {
    'verify-email': {
      subject: 'Confirm your e-mail address',
      paragraphs: [
        'Somebody has registered with this e-mail address. If it was you, confirm that the address is yours.',
        'If it was not you, there is nothing to do: the address stays unconfirmed.',
      ],
      action: 'Confirm the address',
    },
    'change-email': {
      subject: 'Confirm your new e-mail address',
      paragraphs: [
        'Somebody wants to use this e-mail address for their account. If it was you, confirm that the address is yours.',
        'If it was not you, there is nothing to do: the account keeps its former address.',
      ],
      action: 'Confirm the address',
    },
    'reset-password': {
      subject: 'Choose a new password',
      paragraphs: [
        'Somebody has asked for a new password for your account. If it was you, choose one.',
        'If it was not you, there is nothing to do: your password stays as it is.',
      ],
      action: 'Choose a password',
    },
    'account-made': {
      subject: 'An account was made for you',
      paragraphs: ['An account was made for you, with this e-mail address. To use it, choose a password.'],
      action: 'Choose a password',
    },
  },
  notices: {
    'email-changed': {
      subject: 'Your account has another e-mail address now',
      paragraphs: [
        'The e-mail address of your account was changed. This is the last mail to the former one.',
        'If that was not you, tell whoever runs this service at once.',
      ],
    },
    'registration-attempted': {
      subject: 'You have an account already',
      paragraphs: [
        'Somebody wanted to register with this e-mail address, but you have an account with it already.',
        'If it was you, log in as usual; if you have forgotten your password, ask for a new one there.',
        'If it was not you, there is nothing to do: nobody was told that the account exists.',
      ],
    },
    'password-changed': {
      subject: 'Your password was changed',
      paragraphs: ['The password of your account was changed, and all other sessions were ended.', notYou],
    },
    'second-factor-enabled': {
      subject: 'Logging in asks for a code now',
      paragraphs: ['From now on, logging in to your account takes a code beside the password.', notYou],
    },
    'second-factor-disabled': {
      subject: 'Logging in asks for no code any more',
      paragraphs: ['From now on, logging in to your account takes the password alone.', notYou],
    },
  },
};
