// The HEALTHCHECK of the service images. Exits with 0 if the service accepts calls, else with 1. The image sets METRICS_PORT.
import { env } from 'node:process';

const answer = await fetch(`http://127.0.0.1:${env.METRICS_PORT}/readyz`).catch(() => undefined);
process.exitCode = answer?.ok ? 0 : 1;
