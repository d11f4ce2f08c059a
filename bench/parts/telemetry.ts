import { many, measured, rate, ratio, type Part } from '../bench.js';

const off = { OTEL_SDK_DISABLED: 'true', LOG_LEVEL: 'silent' };
const all = { OTEL_TRACES_SAMPLER_ARG: '1' };

/** Compares systems without logs and traces, and with 10 % or all of the traces exported. Metrics are always on. */
export const telemetry: Part = {
  name: 'telemetry',
  reference: (reference) => [reference.chain('chain 64', many)],
  cells: async ({ start }) => {
    const untraced = await start({ name: 'untraced', settings: () => off });
    const sampled = await start({ name: 'sampled' });
    const traced = await start({ name: 'traced', settings: () => all });
    return [
      untraced.createCell('off', many),
      sampled.createCell('10 %', many),
      traced.createCell('100 %', many),
    ];
  },
  figures: [
    ...['10 %', '100 %'].flatMap((mode) => [
      ratio(`orders with telemetry ${mode} ÷ off`, mode, 'off'),
      ratio(`CPU per order with telemetry ${mode} ÷ off`, mode, 'off', 'CPU'),
    ]),
    ...['off', '10 %', '100 %'].flatMap((mode) => [
      rate(`orders with telemetry ${mode}`, mode),
      measured(`CPU per order with telemetry ${mode}`, 'ms', mode, 'CPU'),
    ]),
  ],
};
