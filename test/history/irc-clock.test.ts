import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TranscriptClock } from '../../src/history/irc/clock.js';

const day = Date.parse('2004-11-15T00:00:00Z');

/** The times after each of these readings, as ISO without what is always the same. */
function times(...readings: string[]): string[] {
  const clock = new TranscriptClock(day);
  return readings.map((reading) => {
    const [hours, minutes] = reading.split(':').map(Number) as [number, number];
    clock.read(hours * 60 + minutes);
    return new Date(clock.now).toISOString().slice(8, 16);
  });
}

it('begins at midnight of the transcript’s date', () => {
  expect(new TranscriptClock(day).now).toBe(day);
});

it('goes into the next day at midnight', () => {
  expect(times('22:30', '23:59', '00:01', '03:00')).toEqual(['15T22:30', '15T23:59', '16T00:01', '16T03:00']);
});

it('passes any number of midnights', () => {
  expect(times('23:00', '01:00', '23:00', '01:00')).toEqual(['15T23:00', '16T01:00', '16T23:00', '17T01:00']);
});

it('stands still where the clock was set back', () => {
  expect(times('10:30', '10:29', '09:45', '10:31')).toEqual(['15T10:30', '15T10:30', '15T10:30', '15T10:31']);
});

it('goes round at noon where the clock has 12 hours', () => {
  expect(times('11:59', '12:30', '12:59', '01:00', '02:15')).toEqual([
    '15T11:59',
    '15T12:30',
    '15T12:59',
    '15T13:00',
    '15T14:15',
  ]);
  expect(times('11:59', '00:00', '00:10')).toEqual(['15T11:59', '15T12:00', '15T12:10']);
});

it('never goes back, whatever the readings are', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1_439 })), (readings) => {
      const clock = new TranscriptClock(day);
      let before = clock.now;
      for (const reading of readings) {
        clock.read(reading);
        expect(clock.now).toBeGreaterThanOrEqual(before);
        before = clock.now;
      }
    }),
  );
});
