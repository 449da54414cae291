import { expect, it } from 'vitest';
import { MessagePosted } from '../../domain/conversations/channel.js';
import { Transcript, UnreadableTranscript } from '../../src/history/irc/transcript.js';
import { IrcWorld } from './irc-world.js';

type Message = { readonly authorId: string };

const lines = (...all: string[]) => all.map((line) => `${line}\n`).join('');

it('tells joins, messages, actions, leaves and changes of name, each at its own time', async () => {
  const irc = await IrcWorld.open();
  const path = await irc.write(
    '2004-11-15.txt',
    lines(
      '[09:14] <ann> hello',
      '=== bob [n=b@host]  has joined #test',
      '[09:15] <bob> hi',
      '[09:15]  * bob waves',
      '=== bob is now known as rob',
      '[09:16] <rob> still me',
      '=== rob [n=b@host]  has left #test ["Leaving"] ',
      '=== ann was kicked off #test by eve (eve)',
    ),
  );
  const { tally } = await irc.import([path]);
  expect(await irc.story()).toEqual([
    '11-15T09:14 ann implied',
    '11-15T09:14 <ann> hello',
    '11-15T09:14 bob joined',
    '11-15T09:15 <bob> hi',
    '11-15T09:15 * bob waves',
    '11-15T09:15 bob renamed',
    '11-15T09:15 rob renamed',
    '11-15T09:16 <rob> still me',
    '11-15T09:16 rob left (Leaving)',
    '11-15T09:16 ann removed',
  ]);
  expect(tally.counts).toEqual({
    lines: 8,
    messages: 3,
    actions: 1,
    untimedActions: 0,
    joins: 1,
    impliedJoins: 1,
    leaves: 1,
    removals: 1,
    nickChanges: 1,
    people: 3,
  });
});

it('marks what it imports, and lets people speak for themselves', async () => {
  const irc = await IrcWorld.open();
  await irc.import([await irc.write('2004-11-15.txt', '[09:14] <ann> hello\n')]);
  const posted = (await irc.events()).filter(({ type }) => type === MessagePosted.type);
  expect(posted.map(({ metadata }) => metadata.origin)).toEqual(['import']);
  expect(posted.map(({ metadata }) => metadata.actor)).toEqual(posted.map(({ data }) => (data as Message).authorId));
});

it('takes different cases of a nickname for one person, named as seen first', async () => {
  const irc = await IrcWorld.open();
  const path = await irc.write(
    '2004-11-15.txt',
    lines(
      '[09:14] <Ann[a]> one',
      '[09:14] <ann{A}> two',
      '=== ANN[A] is now known as ann[a]',
      '[09:14] <ann[a]> three',
    ),
  );
  const { tally } = await irc.import([path]);
  expect(await irc.story()).toEqual([
    '11-15T09:14 Ann[a] implied',
    '11-15T09:14 <Ann[a]> one',
    '11-15T09:14 <Ann[a]> two',
    '11-15T09:14 <Ann[a]> three',
  ]);
  expect([...tally.idle]).toEqual([['same-name', 1]]);
});

it('goes on with who is there from one file to the next', async () => {
  const irc = await IrcWorld.open();
  const first = await irc.write('2004-11-15.txt', '[09:14] <ann> one\n');
  const second = await irc.write('2004-11-16.txt', lines('=== ann [n=a@h]  has joined #test', '[08:00] <ann> two'));
  const { tally } = await irc.import([first, second]);
  expect(await irc.story()).toEqual(['11-15T09:14 ann implied', '11-15T09:14 <ann> one', '11-16T08:00 <ann> two']);
  expect([...tally.idle]).toEqual([['joined-already', 1]]);
});

it('takes an old log’s line without a time for an action of somebody there, and of nobody else', async () => {
  const irc = await IrcWorld.open();
  const path = await irc.write(
    '2004-11-15.txt',
    lines('[09:14] <ann> hello', '=== ann sighs', '=== somebody sighs', '=== The server is tired'),
  );
  const { tally } = await irc.import([path]);
  expect(await irc.story()).toEqual(['11-15T09:14 ann implied', '11-15T09:14 <ann> hello', '11-15T09:14 * ann sighs']);
  expect(tally.counts).toMatchObject({ actions: 0, untimedActions: 1 });
  expect(tally.unread.get('unknown-actor')?.map(({ line }) => line)).toEqual([3, 4]);
});

it('introduces nobody whose leave or old name is all that is seen of them', async () => {
  const irc = await IrcWorld.open();
  const path = await irc.write(
    '2004-11-15.txt',
    lines(
      '=== ann [n=a@h]  has left #test []',
      '=== bob is now known as rob',
      '=== eve was kicked off #test by rob (x)',
    ),
  );
  const { tally } = await irc.import([path]);
  expect(await irc.story()).toEqual(['11-15T00:00 rob renamed']);
  expect(tally.counts.people).toBe(1);
  expect([...tally.idle]).toEqual([['not-there', 2]]);
});

it('reports every line that it does not import, and drops no other', async () => {
  const irc = await IrcWorld.open();
  const path = await irc.write(
    '2004-11-15.txt',
    lines(
      '=== mode/#test [+o ann]  by ChanServ',
      '=== ann changed the topic of #test to: x',
      '',
      'garbage',
      '[09:14] <ann>',
      `[09:14] <ann> ${'x'.repeat(16_001)}`,
      `[09:14] <${'n'.repeat(81)}> x`,
      `[09:14] <ann> ${'x'.repeat(300_000)}`,
      `[09:14] <ann> ${'x'.repeat(16_000)}`,
    ),
  );
  const { tally } = await irc.import([path]);
  expect([...tally.unread].map(([reason, unread]) => [reason, unread.map(({ line }) => line)])).toEqual([
    ['mode', [1]],
    ['topic', [2]],
    ['blank', [3]],
    ['not-understood', [4]],
    ['empty-text', [5]],
    ['text-too-long', [6]],
    ['name-too-long', [7]],
    ['line-too-long', [8]],
  ]);
  expect(tally.counts).toMatchObject({ lines: 9, messages: 1 });
});

it('reads a line that is not UTF-8 as Windows-1252, and says so', async () => {
  const irc = await IrcWorld.open();
  const latin = Buffer.from('[09:14] <ann> caf\xe9 \x80\n', 'latin1');
  const path = await irc.write('2004-11-15.txt', Buffer.concat([latin, Buffer.from('[09:15] <ann> café €\r\n')]));
  const { tally } = await irc.import([path]);
  expect((await irc.story()).slice(1)).toEqual(['11-15T09:14 <ann> café €', '11-15T09:15 <ann> café €']);
  expect(tally.notUtf8).toEqual([{ file: path, line: 1 }]);
});

it('reads lines that lie across the pieces in which a file is read, and a last one without an end', async () => {
  const irc = await IrcWorld.open();
  const texts = Array.from({ length: 300 }, (_, index) => `${index} ${'ü'.repeat(1_500 + index)}`);
  const path = await irc.write('2004-11-15.txt', texts.map((text) => `[09:14] <ann> ${text}`).join('\n'));
  const { tally } = await irc.import([path]);
  expect(tally.counts.messages).toBe(300);
  expect((await irc.story()).slice(1)).toEqual(texts.map((text) => `11-15T09:14 <ann> ${text}`));
});

it('changes nothing when run again', async () => {
  const irc = await IrcWorld.open();
  const path = await irc.write('2004-11-15.txt', lines('[09:14] <ann> hello', '=== bob is now known as rob'));
  const first = await irc.import([path]);
  const before = await irc.events();
  const again = await irc.import([path]);
  expect(await irc.events()).toEqual(before);
  expect(again).toMatchObject({ channelId: first.channelId, linesBefore: 2, tally: { counts: { lines: 0 } } });
});

it('imports what a log has grown by', async () => {
  const irc = await IrcWorld.open();
  const path = await irc.write('2004-11-15.txt', '[23:59] <ann> one\n');
  await irc.import([path]);
  await irc.append(path, '[00:01] <ann> two\n');
  await irc.import([path]);
  expect((await irc.story()).slice(1)).toEqual(['11-15T23:59 <ann> one', '11-16T00:01 <ann> two']);
});

it('takes a file of the same name that begins otherwise for another transcript', async () => {
  const irc = await IrcWorld.open();
  await irc.import([await irc.write('2004-11-15.txt', '[09:14] <ann> one\n')]);
  await irc.import([await irc.write('2004-11-15.txt', '[10:00] <ann> two\n')]);
  expect((await irc.story()).slice(1)).toEqual(['11-15T09:14 <ann> one', '11-15T10:00 <ann> two']);
});

it('keeps channels of other names apart', async () => {
  const irc = await IrcWorld.open();
  const path = await irc.write('2004-11-15.txt', '[09:14] <ann> one\n');
  const here = await irc.import([path], { channel: 'here' });
  const there = await irc.import([path], { channel: 'there' });
  expect(here.channelId).not.toBe(there.channelId);
  expect(there.tally.counts).toMatchObject({ messages: 1 });
});

it.each(['notes.txt', '2004-13-01.txt', '2004-02-30.txt', '2004-11-151.txt'])(
  'refuses a file named %s',
  async (name) => {
    const irc = await IrcWorld.open();
    const path = await irc.write(name, '[09:14] <ann> one\n');
    await expect(Transcript.open(path, Buffer.alloc(32))).rejects.toThrow(UnreadableTranscript);
  },
);

it('refuses a file that is not there', async () => {
  await expect(Transcript.open('2004-11-15.txt', Buffer.alloc(32))).rejects.toThrow(
    /2004-11-15.txt can't be read \(ENOENT\)/,
  );
});

it('passes over the lines of someone who was forgotten, and tells which', async () => {
  const irc = await IrcWorld.open();
  const first = await irc.write('2004-11-15.txt', lines('[09:14] <ann> hello', '[09:15] <bob> hi'));
  await irc.import([first]);
  await irc.forget('bob');
  const second = await irc.write(
    '2004-11-16.txt',
    lines(
      '[09:14] <ann> where is bob?',
      '[09:15] <BOB> here',
      '=== bob is now known as rob',
      '[09:16] <rob> still me',
      '=== bob [n=b@host]  has left #test ["Leaving"] ',
    ),
  );
  const { tally } = await irc.import([second]);
  expect((await irc.story()).filter((told) => told.startsWith('11-16'))).toEqual([
    '11-16T09:14 <ann> where is bob?',
    '11-16T09:16 rob implied',
    '11-16T09:16 <rob> still me',
  ]);
  expect(tally.unread).toEqual(new Map([['person-forgotten', [2, 3, 5].map((line) => ({ file: second, line }))]]));
});
