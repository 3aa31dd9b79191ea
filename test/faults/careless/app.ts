// Has one route, which fails outside of what is awaited.
import { Hono } from 'hono';
import { careless } from './careless.js';

export const app = new Hono().get('/app', (c) => {
  careless('app');
  return c.json({});
});
