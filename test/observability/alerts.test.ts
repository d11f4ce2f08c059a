import { checkAlerts } from '../lab/check-alerts.js';
import { fileOf } from '../lab/requirements.js';
import { needs } from './running.js';

describe('promtool', () => {
  needs('prometheus');

  it('accepts the configuration and the rules, and reports that the tests of the rules pass', async function () {
    this.timeout(180_000);
    const { ok, output } = await checkAlerts(fileOf('prometheus', 'promtool'));
    if (!ok) throw new Error(output);
  });
});
