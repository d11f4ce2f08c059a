// Preload this module with `node --import …/register.js`. If a module imports grpc-js or pg before the loader hook
// exists, its calls or statements have no spans and propagate no trace, and no error is reported.
import { register } from 'node:module';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { register as registerHooks, supportsSyncHooks } from 'import-in-the-middle/register-hooks.mjs';
import { isBatchMethod } from './batch/batch-methods.js';
import { nameStatement } from './tracing/statement-span.js';

const hookOptions = { include: ['@grpc/grpc-js', 'pg'] };
// Node 26 deprecates the hook on a separate thread, so synchronous hooks are preferred.
if (supportsSyncHooks()) registerHooks(hookOptions);
else register('import-in-the-middle/hook.mjs', import.meta.url, { data: hookOptions });
registerInstrumentations({
  instrumentations: [
    new GrpcInstrumentation({
      ignoreGrpcMethods: [/grpc\.health\.v1/, /ServerReflectionInfo/, 'Check', 'Watch', isBatchMethod],
    }),
    new PgInstrumentation({
      // Without this setting, each statement of pollers and heartbeats would start a trace, because they run outside of
      // a trace.
      requireParentSpan: true,
      // Without this setting, each statement would have a connect span of nearly no duration. The wait for a connection
      // is visible as a gap before the statement span.
      ignoreConnectSpans: true,
      requestHook: nameStatement,
    }),
  ],
});
