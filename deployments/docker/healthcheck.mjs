// The HEALTHCHECK of an image: ends with 0 when the process takes calls. The image sets METRICS_PORT.
import { env } from 'node:process';

const answer = await fetch(`http://127.0.0.1:${env.METRICS_PORT}/readyz`).catch(() => undefined);
process.exitCode = answer?.ok ? 0 : 1;
