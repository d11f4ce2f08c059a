import { run } from '../../pkg/service/index.js';
import { orderService } from './app.js';

await run('order-service', orderService);
