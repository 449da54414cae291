import { describe, expect, it } from 'vitest';
import { type LineContent, parseLine } from '../../src/history/irc/line.js';

const nine = 9 * 60 + 14;

describe('a line with a time', () => {
  it.each<[string, LineContent]>([
    ['[09:14] <ann> hello there', { kind: 'message', nick: 'ann', text: 'hello there' }],
    ['[09:14] <ann>  two spaces', { kind: 'message', nick: 'ann', text: ' two spaces' }],
    ['[09:14] <ann> <bob> quoted', { kind: 'message', nick: 'ann', text: '<bob> quoted' }],
    ['[09:14] <ann> [10:00] <bob> pasted', { kind: 'message', nick: 'ann', text: '[10:00] <bob> pasted' }],
    ['[09:14] <ann>', { kind: 'message', nick: 'ann', text: '' }],
    ['[09:14] <|a`n_n^|> x', { kind: 'message', nick: '|a`n_n^|', text: 'x' }],
    ['[09:14] <[set] > x', { kind: 'message', nick: '[set]', text: 'x' }],
    ['[09:14] <Guard] [an> x', { kind: 'message', nick: 'Guard][an', text: 'x' }],
    ['[09:14] -ann:#channel- psst', { kind: 'message', nick: 'ann', text: 'psst' }],
    ['[09:14] (ann/#channel) bob: yes', { kind: 'message', nick: 'ann', text: 'bob: yes' }],
    ['[09:14]  * ann sips a coffee', { kind: 'action', nick: 'ann', text: 'sips a coffee' }],
    ['[09:14]  * [ann] sips', { kind: 'action', nick: '[ann]', text: 'sips' }],
    ['[09:14]  * ann', { kind: 'action', nick: 'ann', text: '' }],
    ['[09:14] * ann misses a space', { kind: 'unread', reason: 'not-understood' }],
    ['[09:14] ', { kind: 'unread', reason: 'not-understood' }],
  ])('%s', (line, content) => {
    expect(parseLine(line)).toEqual({ minute: nine, content });
  });
});

describe('a line without a time', () => {
  it.each<[string, LineContent]>([
    ['=== ann [~a@example.org]  has joined #channel', { kind: 'joined', nick: 'ann' }],
    ['=== ann [n=a@host] has joined #channel', { kind: 'joined', nick: 'ann' }],
    ['=== [a] nn [n=a@host]  has joined #channel', { kind: 'joined', nick: '[a]nn' }],
    ['=== [ann]  [n=a@host]  has joined #channel', { kind: 'joined', nick: '[ann]' }],
    ['=== Guard] [an [n=Guardian@host]  has joined #channel', { kind: 'joined', nick: 'Guard][an' }],
    ['=== ann [[H] -853478@192.0.2.1]  has joined #channel', { kind: 'joined', nick: 'ann' }],
    ['=== ann [n=a@host]  has left #channel []', { kind: 'left', nick: 'ann', reason: '' }],
    ['=== ann [n=a@host]  has left #channel ["Bye [all] "] ', { kind: 'left', nick: 'ann', reason: 'Bye [all] ' }],
    ['=== ann [n=a@host]  has left #channel ["cut] ', { kind: 'left', nick: 'ann', reason: 'cut' }],
    ['=== ann [n=a@host]  has quit [Read error] ', { kind: 'left', nick: 'ann', reason: 'Read error' }],
    ['=== ann is now known as bob', { kind: 'renamed', nick: 'ann', newNick: 'bob' }],
    ['=== ann[1]  is now known as [a] nn', { kind: 'renamed', nick: 'ann[1]', newNick: '[a]nn' }],
    ['=== ann] is now known as bob', { kind: 'renamed', nick: 'ann]', newNick: 'bob' }],
    ['=== ann was kicked off #channel by bob (flood)', { kind: 'kicked', nick: 'ann' }],
    ['=== ann is now known as the wisest', { kind: 'untimed-action', nick: 'ann', text: 'is now known as the wisest' }],
    ['=== ann[x]  sighs', { kind: 'untimed-action', nick: 'ann[x]', text: 'sighs' }],
    ['=== mode/#channel [+o ann]  by ChanServ', { kind: 'unread', reason: 'mode' }],
    ['=== Topic for #channel: be nice', { kind: 'unread', reason: 'topic' }],
    ['=== Topic (#channel): set by ann at noon', { kind: 'unread', reason: 'topic' }],
    ['=== ..[topic/#channel:ann] : be nice', { kind: 'unread', reason: 'topic' }],
    ['=== ann changed the topic of #channel to: be nice', { kind: 'unread', reason: 'topic' }],
    ['===', { kind: 'unread', reason: 'not-understood' }],
    ['', { kind: 'unread', reason: 'blank' }],
    ['  ', { kind: 'unread', reason: 'blank' }],
    ['[24:00] <ann> too late', { kind: 'unread', reason: 'not-understood' }],
    ['[12:60] <ann> too late', { kind: 'unread', reason: 'not-understood' }],
    ['<ann> hello', { kind: 'unread', reason: 'not-understood' }],
  ])('%s', (line, content) => {
    expect(parseLine(line)).toEqual({ content });
  });
});

it('is not kept long by a hostile line', () => {
  for (const part of [' [', '] ', '@]', '[a@b] ', '] [a@']) {
    const line = `=== a [${part.repeat(100_000)}`;
    expect(parseLine(line)).toEqual({ content: { kind: 'unread', reason: 'not-understood' } });
  }
});
