#version 430
#extension GL_EXT_spirv_intrinsics : require
// out[i] = the sum of the products of four signed bytes of in[i] with themselves.
layout(local_size_x_id = 0) in;
layout(push_constant) uniform Params { uint n; };
layout(std430, set = 0, binding = 0) readonly buffer In { uint x[]; };
layout(std430, set = 0, binding = 1) writeonly buffer Out { int y[]; };

spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6018, 6019], id = 4450)
int dot4(uint a, uint b, spirv_literal int packed4x8);

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i < n) y[i] = dot4(x[i], x[i], 0);
}
