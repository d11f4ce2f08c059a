// Ends with a message for people when this Node.js is too old. Runs on old ones, so it is plain.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `Node.js ${process.versions.node} is too old: 20.19 or newer is needed (https://nodejs.org)\n`,
  );
  process.exitCode = 1;
}
