import { run } from '../../pkg/service/index.js';
import { inventoryService } from './app.js';

await run('inventory-service', inventoryService);
