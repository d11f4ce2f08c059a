// Preloaded (`node --import …/register.js`), before anything imports grpc-js: an ESM program without
// the loader hook gets no spans and no propagation, silently.
import { register } from 'node:module';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc';

register('import-in-the-middle/hook.mjs', import.meta.url, { data: { include: ['@grpc/grpc-js'] } });
registerInstrumentations({
  instrumentations: [
    new GrpcInstrumentation({
      ignoreGrpcMethods: [/grpc\.health\.v1/, /ServerReflectionInfo/, 'Check', 'Watch'],
    }),
  ],
});
