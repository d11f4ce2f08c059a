import { createServer } from 'node:http';

createServer((_request, response) => response.end('{"database":"ok"}')).listen(3000);
process.once('SIGTERM', () => process.exit());
