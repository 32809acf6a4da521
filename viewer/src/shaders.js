// A sphere is a square that faces the eye; each of its pixels asks where its ray meets the sphere.

const VERTEX = `
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D order;
uniform highp sampler2D places;
uniform highp sampler2D values;
uniform sampler2D colours;
uniform mat4 modelViewMatrix;
uniform mat4 projectionMatrix;
uniform float parallel;
uniform float size;
uniform vec2 limits;
uniform vec3 unknown;
uniform uint marked;
flat out vec4 sphere;
flat out vec3 colour;
flat out float mark;
out vec3 point;

void main() {
  int width = textureSize(places, 0).x;
  int slot = gl_VertexID / 4;
  uint particle = texelFetch(order, ivec2(slot % width, slot / width), 0).r;
  vec2 corner = vec2((gl_VertexID & 1) * 2 - 1, (gl_VertexID & 2) - 1);
  ivec2 texel = ivec2(int(particle) % width, int(particle) / width);
  vec4 place = texelFetch(places, texel, 0);
  float value = texelFetch(values, texel, 0).r;
  float radius = place.w * size;
  vec3 centre = (modelViewMatrix * vec4(place.xyz, 1.0)).xyz;
  mark = particle == marked ? 1.0 : 0.0;
  sphere = vec4(centre, radius);
  float span = float(textureSize(colours, 0).x);
  float t = clamp((value - limits.x) / (limits.y - limits.x), 0.0, 1.0);
  colour = value > 1e37 ? unknown : texture(colours, vec2((t * (span - 1.0) + 0.5) / span, 0.5)).rgb;

  // A near sphere looks wider than its radius, and its square faces the eye, not the screen.
  float away = length(centre);
  vec3 ahead = parallel > 0.5 ? vec3(0.0, 0.0, 1.0) : -centre / away;
  float wide = parallel > 0.5 ? radius : radius * away / sqrt(max(away * away - radius * radius, 1e-6));
  wide *= 1.0 + 0.16 * mark;
  vec3 right = normalize(cross(vec3(0.0, 1.0, 0.0), ahead));
  vec3 up = cross(ahead, right);
  point = centre + wide * 1.03 * (corner.x * right + corner.y * up);
  bool behind = parallel < 0.5 && centre.z > -radius;
  gl_Position = behind ? vec4(2.0, 2.0, 2.0, 1.0) : projectionMatrix * vec4(point, 1.0);
}`;

const FRAGMENT = `
precision highp float;
uniform mat4 projectionMatrix;
uniform float parallel;
uniform vec3 ring;
flat in vec4 sphere;
flat in vec3 colour;
flat in float mark;
in vec3 point;
out vec4 pixel;

void main() {
  vec3 origin = parallel > 0.5 ? vec3(point.xy, 0.0) : vec3(0.0);
  vec3 ray = parallel > 0.5 ? vec3(0.0, 0.0, -1.0) : normalize(point);
  vec3 centre = sphere.xyz - origin;
  float radius = sphere.w;
  float along = dot(centre, ray);
  vec3 across = along * ray - centre;
  float q = dot(across, across) / (radius * radius);
  float soft = fwidth(q);
  float rim = mark > 0.5 ? 1.3 : 1.0;
#ifdef SMOOTH
  float cover = 1.0 - smoothstep(rim - soft, rim + soft, q);
  if (cover <= 0.0) discard;
#else
  float cover = 1.0;
  if (q > rim) discard;
#endif
  float half_chord = radius * sqrt(max(1.0 - q, 0.0));
  vec3 hit = origin + (along - half_chord) * ray;
  vec3 normal = (hit - sphere.xyz) / radius;
  vec3 light = normalize(vec3(-0.45, 0.65, 0.9));
  float lit = 0.70 + 0.34 * max(dot(normal, light), 0.0);
  float facing = sqrt(max(1.0 - min(q, 1.0), 0.0));
  float shade = lit * mix(0.62, 1.0, smoothstep(0.0, 0.55, facing));
  float gloss = 0.10 * pow(max(dot(reflect(ray, normal), light), 0.0), 18.0);
  vec3 shaded = colour * shade + gloss;
  if (mark > 0.5 && q > 0.86) shaded = ring;
  pixel = vec4(shaded, cover);
#ifdef ROUND
  vec4 clip = projectionMatrix * vec4(hit, 1.0);
  gl_FragDepth = 0.5 * clip.z / clip.w + 0.5;
#endif
}`;

/**
 * @param {{smooth: boolean, round: boolean}} options smooth: soft edges, by coverage of samples;
 *   round: true depth, so that spheres may cut each other.
 */
export function shaders({ smooth, round }) {
  const defines = (smooth ? "#define SMOOTH\n" : "") + (round ? "#define ROUND\n" : "");
  return { vertexShader: VERTEX, fragmentShader: defines + FRAGMENT };
}
