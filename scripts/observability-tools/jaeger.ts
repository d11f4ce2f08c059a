import { buildGoProgram, goRemedy } from '../tools/go.js';
import type { Tool } from './tool.js';

// Its second major version, 2.13.0.
const version = 'v1.76.0';

export const jaeger: Tool = {
  name: 'jaeger',
  version,
  programs: { jaeger: 'JAEGER_BIN' },
  addressVariable: 'JAEGER_URL',
  remedy: goRemedy,
  install: (workshop) =>
    buildGoProgram(workshop, {
      module: 'github.com/jaegertracing/jaeger',
      version,
      packages: { jaeger: './cmd/jaeger' },
    }),
};
