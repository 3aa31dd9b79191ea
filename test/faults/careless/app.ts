// A route that causes an unhandled rejection.
import { Hono } from 'hono';
import { careless } from './careless.js';

export const app = new Hono().get('/app', (c) => {
  careless('app');
  return c.json({});
});
