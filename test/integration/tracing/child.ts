import { readSettings } from '../../../pkg/config/index.js';
import { startTelemetry, telemetryConfig, telemetrySettings } from '../../../pkg/observability/index.js';
import { serve } from '../../../pkg/rpc/index.js';
import { echoService } from '../../support/rpc/echo-service.js';
import { aServerConfig } from '../../support/rpc/test-server.js';
import { run } from '../../../pkg/service/index.js';

// The child process that process.ts starts. It runs the echo service with telemetry settings from the environment.

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
