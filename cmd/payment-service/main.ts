import { run } from '../../pkg/service/index.js';
import { paymentService } from './app.js';

await run('payment-service', paymentService);
