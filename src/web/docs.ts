// Owns the reader of the HTTP API: shows /openapi.json of this very hub; must not load anything from elsewhere.
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js';
import 'swagger-ui-dist/swagger-ui.css';

SwaggerUI({
  url: '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  // The default asks a validator of the library's makers for a badge.
  validatorUrl: null,
});
