import { createHash } from 'node:crypto';
import { cpSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { goRemedy, installGoProgram } from '../tools/go.js';
import type { Tool } from './tool.js';

const manifest = fileURLToPath(new URL('otelcol-builder.yaml', import.meta.url));
const text = readFileSync(manifest, 'utf8');
const version = /^ {2}version: (\S+)$/m.exec(text)?.[1] ?? '';
const buildMs = 900_000;

/** Made of the parts that the configuration uses; the `contrib` distribution would do as well. */
export const otelcol: Tool = {
  name: 'otelcol',
  version: `v${version}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`,
  programs: { otelcol: 'OTELCOL_BIN' },
  onPath: { otelcol: 'otelcol-contrib' },
  addressVariable: 'OTEL_EXPORTER_OTLP_ENDPOINT',
  remedy: goRemedy,
  install: async (workshop) => {
    const { scratch, target, say } = workshop;
    await installGoProgram(workshop, `go.opentelemetry.io/collector/cmd/builder@v${version}`, scratch);
    say('building the Collector (some minutes the first time)');
    await workshop.run({
      program: path.join(scratch, 'builder'),
      args: ['--config', manifest],
      env: { GOWORK: 'off', GOFLAGS: '-buildvcs=false' },
      limitMs: buildMs,
      otherwise: 'the Collector cannot be built',
    });
    cpSync(path.join(scratch, 'otelcol/otelcol'), path.join(target, 'otelcol'));
  },
};
