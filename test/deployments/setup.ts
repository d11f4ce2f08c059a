import { unverifiedReport } from '../lab/requirements.js';

export const mochaGlobalTeardown = unverifiedReport('deployments');
