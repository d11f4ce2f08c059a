import type { Environment } from '../../pkg/config/index.js';
import { many, measured, rate, ratio, type Part } from '../bench.js';
import { startChildServer } from '../child-server.js';

const off = { OTEL_SDK_DISABLED: 'true', LOG_LEVEL: 'silent' };
const exported = (endpoint: string, share: string): Environment => ({
  OTEL_TRACES_EXPORTER: 'otlp',
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
  OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
  OTEL_TRACES_SAMPLER_ARG: share,
});

/** Compares systems without logs and traces, and with 10 % or all of the traces exported. Metrics are always on. */
export const telemetry: Part = {
  name: 'telemetry',
  reference: (reference) => [reference.chain('chain 64', many)],
  cells: async ({ start, scope }) => {
    const { port } = await startChildServer('./discard-spans.js', [], scope);
    const endpoint = `http://127.0.0.1:${port}`;
    const none = await start({ name: 'untraced', settings: () => off });
    const tenth = await start({ name: 'sampled', settings: () => exported(endpoint, '0.1') });
    const all = await start({ name: 'traced', settings: () => exported(endpoint, '1') });
    return [none.createCell('off', many), tenth.createCell('10 %', many), all.createCell('100 %', many)];
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
