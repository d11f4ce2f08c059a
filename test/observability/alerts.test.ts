import { checkAlerts } from '../../scripts/observability-tools/check-alerts.js';
import { needs, program } from './verification.js';

describe('promtool', () => {
  needs('promtool');

  it('finds nothing wrong with the configuration, the rules and their tests', async function () {
    this.timeout(180_000);
    const { ok, output } = await checkAlerts(program('prometheus', 'promtool'));
    if (!ok) throw new Error(output);
  });
});
