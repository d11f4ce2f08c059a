import { usesStandIns } from '../lab/machine/stand-ins.js';
import { unverifiedReport } from '../lab/requirements.js';

const originals = {
  name: 'images-of-others',
  what: 'the original third-party images, among them Grafana and Alpine Linux',
  reason: 'an image cannot be pulled, so a stand-in with a program of this machine replaces the image',
  remedy: 'an image registry',
};

export const mochaGlobalTeardown = unverifiedReport('containers', () => (usesStandIns() ? [originals] : []));
