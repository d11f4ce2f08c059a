import { inventoryFile } from '../../scripts/observability-tools/inventory.js';
import { fileOf } from '../deployments/tools.js';
import { standInFiles } from './stand-ins.js';

const plugins = '/usr/local/lib/docker/cli-plugins';

/** What images are built with and of, by place in the machine. */
export function imageFiles(): Record<string, string> {
  const programs: Record<string, string> = { node: fileOf('node', 'node') };
  for (const found of Object.values(inventoryFile.read()))
    if (found && 'programs' in found) Object.assign(programs, found.programs);
  return {
    ...standInFiles(programs),
    [`${plugins}/docker-buildx`]: fileOf('buildx', 'docker-buildx'),
    [`${plugins}/docker-compose`]: fileOf('compose', 'docker-compose'),
  };
}
