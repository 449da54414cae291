import { expect, it } from 'vitest';
import { uuid } from '../../domain/ids.js';
import { foldNickname, personOfNickname } from '../../src/history/irc/nickname.js';

const key = Buffer.alloc(32, 1);

it('folds the case as RFC 1459 has it, where brackets have one too', () => {
  expect(foldNickname('Ann[A]\\~_`-9')).toBe('ann{a}|^_`-9');
  expect(foldNickname('ann{a}|^_`-9')).toBe('ann{a}|^_`-9');
  expect(foldNickname('ÄRGER')).toBe('Ärger');
});

it('knows a person under every case of the name, and under no other name', () => {
  expect(personOfNickname('ANN[]', key)).toBe(personOfNickname('ann{}', key));
  expect(personOfNickname('ann', key)).not.toBe(personOfNickname('ann_', key));
});

it('makes ids that nobody can make without the key', () => {
  expect(uuid.safeParse(personOfNickname('ann', key)).success).toBe(true);
  expect(personOfNickname('ann', key)).not.toBe(personOfNickname('ann', Buffer.alloc(32, 2)));
});
