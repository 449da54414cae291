import { expect, it } from 'vitest';
import { Metrics } from '../../src/metrics.js';

it('shows a number for each that there is now, and none any longer for what has gone', async () => {
  const metrics = new Metrics();
  let lags: [string, number][] = [
    ['rooms', 3],
    ['access', 0],
  ];
  metrics.gaugeBy('parley_lag', 'How far each is behind.', 'projection', async () => lags);
  const shown = async () => (await metrics.registry.getSingleMetricAsString('parley_lag')).split('\n').slice(2);
  expect(await shown()).toEqual(['parley_lag{projection="rooms"} 3', 'parley_lag{projection="access"} 0']);
  lags = [['access', 1]];
  expect(await shown()).toEqual(['parley_lag{projection="access"} 1']);
});
