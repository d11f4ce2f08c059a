import { buildGoProgram, goRemedy } from '../tools/go.js';
import type { Tool } from './tool.js';

const version = 'v3.7.8';

export const loki: Tool = {
  name: 'loki',
  version,
  programs: { loki: 'LOKI_BIN' },
  addressVariable: 'LOKI_URL',
  remedy: goRemedy,
  install: (workshop) =>
    buildGoProgram(workshop, {
      module: 'github.com/grafana/loki/v3',
      version,
      packages: { loki: './cmd/loki' },
      // A module inside the module: not in its archive, but published by itself.
      edit: ['-dropreplace', 'github.com/grafana/loki/pkg/push'],
    }),
};
