import { buildGoProgram, goRemedy } from '../tools/go.js';
import type { Tool } from './tool.js';

const version = 'v0.34.1';

/** Builds images, for docker and for compose. Newer ones need a module that is not published. */
export const buildx: Tool = {
  name: 'buildx',
  version,
  files: ['docker-buildx'],
  checks: 'that images can be built',
  remedy: goRemedy,
  install: (workshop) =>
    buildGoProgram(workshop, {
      module: 'github.com/docker/buildx',
      version,
      packages: { 'docker-buildx': './cmd/buildx' },
      variables: { 'github.com/docker/buildx/version.Version': version },
      env: { CGO_ENABLED: '0' },
    }),
};
