// Writes the JSON files of the dashboards (make dashboards).
import { writeFileSync } from 'node:fs';
import { dashboards, fileText, folder } from './all.js';

for (const [name, build] of dashboards) writeFileSync(new URL(name, folder), fileText(build()));
