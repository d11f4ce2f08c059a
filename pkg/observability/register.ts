// Preloaded (`node --import …/register.js`), before anything imports grpc-js or pg: an ESM program
// without the loader hook gets no spans and no propagation, silently.
import { register } from 'node:module';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { register as registerHooks, supportsSyncHooks } from 'import-in-the-middle/register-hooks.mjs';
import { nameStatement } from './statement-span.js';

const hooked = { include: ['@grpc/grpc-js', 'pg'] };
// Node 26 deprecates the hook that runs on a thread of its own, and older ones have no other.
if (supportsSyncHooks()) registerHooks(hooked);
else register('import-in-the-middle/hook.mjs', import.meta.url, { data: hooked });
registerInstrumentations({
  instrumentations: [
    new GrpcInstrumentation({
      ignoreGrpcMethods: [/grpc\.health\.v1/, /ServerReflectionInfo/, 'Check', 'Watch'],
    }),
    new PgInstrumentation({
      // Pollers and heartbeats run outside a trace: they would make one each time.
      requireParentSpan: true,
      // One a statement, nearly always of no length; waiting for a connection shows as a gap before it.
      ignoreConnectSpans: true,
      requestHook: nameStatement,
    }),
  ],
});
