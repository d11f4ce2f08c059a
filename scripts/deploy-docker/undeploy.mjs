import { readFileSync } from 'node:fs';
import { showDocker } from './docker.mjs';
import { folder, readSettings } from './settings.mjs';

/** Removes the containers. Sets each missing password to `unused`, because compose requires passwords even for `down`. */
export function undeploy(env) {
  const settings = readSettings(env);
  const names = readFileSync(`${folder}/.env.example`, 'utf8').match(/^\w+_PASSWORD/gm) ?? [];
  const passwords = Object.fromEntries(names.map((name) => [name, settings[name] || 'unused']));
  const volumes = env.VOLUMES === '1' ? ['--volumes'] : [];
  const compose = ['compose', '--file', `${folder}/compose.yaml`, '--profile', '*'];
  return showDocker([...compose, 'down', '--remove-orphans', ...volumes], passwords);
}
