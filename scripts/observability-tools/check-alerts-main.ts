// Checks the alert rules with promtool; `main.ts prometheus` has found it before.
import { checkAlerts } from './check-alerts.js';
import { inventoryFile } from './inventory.js';

const { prometheus } = inventoryFile.read();

if (prometheus && 'programs' in prometheus) {
  const { ok, output } = await checkAlerts(prometheus.programs['promtool'] ?? 'promtool');
  process.stdout.write(output);
  process.exitCode = ok ? 0 : 1;
} else {
  process.stdout.write('the alerts cannot be checked without promtool\n');
  process.exitCode = 1;
}
