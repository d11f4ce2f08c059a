import { readSettings } from '../../pkg/config/index.js';
import { startTelemetry, telemetryConfig, telemetrySettings } from '../../pkg/observability/index.js';
import { serve } from '../../pkg/rpc/index.js';
import { echoService } from '../../pkg/rpc/testing/echo-service.js';
import { aServerConfig } from '../../pkg/rpc/testing/test-server.js';
import { run } from '../../pkg/runtime/index.js';

// The echo service in a process of its own, its telemetry set by the environment, as in production.
// `tracing-process.ts` is the other side.

const settings = telemetrySettings('echo-service', 0);

await run('echo-service', {
  settings,
  configure: (env) => telemetryConfig(readSettings(env, settings)),
  start: async (config, scope) => {
    const telemetry = scope.use(await startTelemetry(config));
    telemetry.logger.info({ port: telemetry.http.port }, 'metrics served');
    return scope.use(
      await serve({
        config: aServerConfig(),
        telemetry,
        services: [echoService()],
        readiness: async () => true,
      }),
    );
  },
});
