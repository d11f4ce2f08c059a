// `make check-alerts` runs this program after tools/main.ts has found or installed promtool.
import { checkAlerts } from './check-alerts.js';
import { fileOf } from './requirements.js';

const { ok, output } = await checkAlerts(fileOf('prometheus', 'promtool'));
process.stdout.write(output);
process.exitCode = ok ? 0 : 1;
