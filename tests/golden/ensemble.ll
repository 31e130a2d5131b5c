declare <8 x double> @llvm.copysign.v8f64(<8 x double>, <8 x double>)
declare <8 x double> @llvm.fabs.v8f64(<8 x double>)
declare <8 x double> @llvm.fma.v8f64(<8 x double>, <8 x double>, <8 x double>)
declare double @cos(double)
declare double @llvm.vector.reduce.fadd.v8f64(double, <8 x double>)
declare double @sin(double)
declare i1 @llvm.vector.reduce.or.v8i1(<8 x i1>)
declare i64 @llvm.smax.i64(i64, i64)
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.vector.reduce.add.v8i64(<8 x i64>)

define internal { <8 x double>, <8 x double> } @sym.math.sincos.v8f64(<8 x double> %x) alwaysinline #0 {
entry:
  %x1 = call <8 x double> @llvm.fabs.v8f64(<8 x double> %x)
  %x2 = fcmp ogt <8 x double> %x1, splat (double 0x42C0000000000000)
  %x3 = fcmp olt <8 x double> %x1, splat (double 0x7FF0000000000000)
  %x4 = and <8 x i1> %x2, %x3
  %x5 = call i1 @llvm.vector.reduce.or.v8i1(<8 x i1> %x4)
  br i1 %x5, label %slow, label %fast, !prof !0
fast:
  %x6 = call <8 x double> @llvm.fma.v8f64(<8 x double> %x, <8 x double> splat (double 0x3FE45F306DC9C883), <8 x double> splat (double 0x4338000000000000))
  %x7 = fsub <8 x double> %x6, splat (double 0x4338000000000000)
  %x8 = fneg <8 x double> %x7
  %x9 = call <8 x double> @llvm.fma.v8f64(<8 x double> %x8, <8 x double> splat (double 0x3FF921FB54442D18), <8 x double> %x)
  %x10 = call <8 x double> @llvm.fma.v8f64(<8 x double> %x8, <8 x double> splat (double 0x3C91A62633145C06), <8 x double> %x9)
  %x11 = call <8 x double> @llvm.fma.v8f64(<8 x double> %x8, <8 x double> splat (double 0x394C1CD129024E09), <8 x double> %x10)
  %x12 = fmul <8 x double> %x11, %x11
  %x13 = fmul <8 x double> %x11, %x12
  %x14 = fmul <8 x double> %x12, %x12
  %x15 = call <8 x double> @llvm.fma.v8f64(<8 x double> splat (double 0xBE5AE5E68A2B9CEB), <8 x double> %x14, <8 x double> splat (double 0xBF2A01A019C161D5))
  %x16 = call <8 x double> @llvm.fma.v8f64(<8 x double> %x15, <8 x double> %x14, <8 x double> splat (double 0xBFC5555555555549))
  %x17 = call <8 x double> @llvm.fma.v8f64(<8 x double> splat (double 0x3DE5D93A5ACFD57C), <8 x double> %x14, <8 x double> splat (double 0x3EC71DE357B1FE7D))
  %x18 = call <8 x double> @llvm.fma.v8f64(<8 x double> %x17, <8 x double> %x14, <8 x double> splat (double 0x3F8111111110F8A6))
  %x19 = call <8 x double> @llvm.fma.v8f64(<8 x double> %x18, <8 x double> %x12, <8 x double> %x16)
  %x20 = call <8 x double> @llvm.fma.v8f64(<8 x double> %x13, <8 x double> %x19, <8 x double> %x11)
  %x21 = call <8 x double> @llvm.copysign.v8f64(<8 x double> %x20, <8 x double> %x11)
  %x22 = fmul <8 x double> %x12, splat (double 0x3FE0000000000000)
  %x23 = fsub <8 x double> splat (double 0x3FF0000000000000), %x22
  %x24 = fsub <8 x double> splat (double 0x3FF0000000000000), %x23
  %x25 = fsub <8 x double> %x24, %x22
  %x26 = fmul <8 x double> %x12, %x12
  %x27 = fmul <8 x double> %x12, %x12
  %x28 = call <8 x double> @llvm.fma.v8f64(<8 x double> splat (double 0x3E21EE9EBDB4B1C4), <8 x double> %x27, <8 x double> splat (double 0x3EFA01A019CB1590))
  %x29 = call <8 x double> @llvm.fma.v8f64(<8 x double> %x28, <8 x double> %x27, <8 x double> splat (double 0x3FA555555555554C))
  %x30 = call <8 x double> @llvm.fma.v8f64(<8 x double> splat (double 0xBDA8FAE9BE8838D4), <8 x double> %x27, <8 x double> splat (double 0xBE927E4F809C52AD))
  %x31 = call <8 x double> @llvm.fma.v8f64(<8 x double> %x30, <8 x double> %x27, <8 x double> splat (double 0xBF56C16C16C15177))
  %x32 = call <8 x double> @llvm.fma.v8f64(<8 x double> %x31, <8 x double> %x12, <8 x double> %x29)
  %x33 = call <8 x double> @llvm.fma.v8f64(<8 x double> %x26, <8 x double> %x32, <8 x double> %x25)
  %x34 = fadd <8 x double> %x23, %x33
  %bits35 = bitcast <8 x double> %x6 to <8 x i64>
  %n36 = and <8 x i64> %bits35, splat (i64 1)
  %n37 = icmp ne <8 x i64> %n36, splat (i64 0)
  %x38 = select <8 x i1> %n37, <8 x double> %x34, <8 x double> %x21
  %x39 = select <8 x i1> %n37, <8 x double> %x21, <8 x double> %x34
  %n40 = and <8 x i64> %bits35, splat (i64 2)
  %n41 = shl <8 x i64> %n40, splat (i64 62)
  %n42 = add <8 x i64> %bits35, splat (i64 1)
  %n43 = and <8 x i64> %n42, splat (i64 2)
  %n44 = shl <8 x i64> %n43, splat (i64 62)
  %bits45 = bitcast <8 x double> %x38 to <8 x i64>
  %n46 = xor <8 x i64> %bits45, %n41
  %x47 = bitcast <8 x i64> %n46 to <8 x double>
  %bits48 = bitcast <8 x double> %x39 to <8 x i64>
  %n49 = xor <8 x i64> %bits48, %n44
  %x50 = bitcast <8 x i64> %n49 to <8 x double>
  br label %join
slow:
  %x51 = call <8 x double> @sym.libm.sin.v8f64(<8 x double> %x)
  %x52 = call <8 x double> @sym.libm.cos.v8f64(<8 x double> %x)
  br label %join
join:
  %x53 = phi <8 x double> [%x47, %fast], [%x51, %slow]
  %x54 = phi <8 x double> [%x50, %fast], [%x52, %slow]
  %x55 = insertvalue { <8 x double>, <8 x double> } poison, <8 x double> %x53, 0
  %x56 = insertvalue { <8 x double>, <8 x double> } %x55, <8 x double> %x54, 1
  ret { <8 x double>, <8 x double> } %x56
}

define internal <8 x double> @sym.libm.sin.v8f64(<8 x double> %x) noinline #0 {
entry:
  %result1 = alloca <8 x double>, align 64
  %x2 = extractelement <8 x double> %x, i64 0
  %x3 = call double @sin(double %x2)
  %slot4 = getelementptr double, ptr %result1, i64 0
  store double %x3, ptr %slot4
  %x5 = extractelement <8 x double> %x, i64 1
  %x6 = call double @sin(double %x5)
  %slot7 = getelementptr double, ptr %result1, i64 1
  store double %x6, ptr %slot7
  %x8 = extractelement <8 x double> %x, i64 2
  %x9 = call double @sin(double %x8)
  %slot10 = getelementptr double, ptr %result1, i64 2
  store double %x9, ptr %slot10
  %x11 = extractelement <8 x double> %x, i64 3
  %x12 = call double @sin(double %x11)
  %slot13 = getelementptr double, ptr %result1, i64 3
  store double %x12, ptr %slot13
  %x14 = extractelement <8 x double> %x, i64 4
  %x15 = call double @sin(double %x14)
  %slot16 = getelementptr double, ptr %result1, i64 4
  store double %x15, ptr %slot16
  %x17 = extractelement <8 x double> %x, i64 5
  %x18 = call double @sin(double %x17)
  %slot19 = getelementptr double, ptr %result1, i64 5
  store double %x18, ptr %slot19
  %x20 = extractelement <8 x double> %x, i64 6
  %x21 = call double @sin(double %x20)
  %slot22 = getelementptr double, ptr %result1, i64 6
  store double %x21, ptr %slot22
  %x23 = extractelement <8 x double> %x, i64 7
  %x24 = call double @sin(double %x23)
  %slot25 = getelementptr double, ptr %result1, i64 7
  store double %x24, ptr %slot25
  %x26 = load <8 x double>, ptr %result1, align 64
  ret <8 x double> %x26
}

define internal <8 x double> @sym.libm.cos.v8f64(<8 x double> %x) noinline #0 {
entry:
  %result1 = alloca <8 x double>, align 64
  %x2 = extractelement <8 x double> %x, i64 0
  %x3 = call double @cos(double %x2)
  %slot4 = getelementptr double, ptr %result1, i64 0
  store double %x3, ptr %slot4
  %x5 = extractelement <8 x double> %x, i64 1
  %x6 = call double @cos(double %x5)
  %slot7 = getelementptr double, ptr %result1, i64 1
  store double %x6, ptr %slot7
  %x8 = extractelement <8 x double> %x, i64 2
  %x9 = call double @cos(double %x8)
  %slot10 = getelementptr double, ptr %result1, i64 2
  store double %x9, ptr %slot10
  %x11 = extractelement <8 x double> %x, i64 3
  %x12 = call double @cos(double %x11)
  %slot13 = getelementptr double, ptr %result1, i64 3
  store double %x12, ptr %slot13
  %x14 = extractelement <8 x double> %x, i64 4
  %x15 = call double @cos(double %x14)
  %slot16 = getelementptr double, ptr %result1, i64 4
  store double %x15, ptr %slot16
  %x17 = extractelement <8 x double> %x, i64 5
  %x18 = call double @cos(double %x17)
  %slot19 = getelementptr double, ptr %result1, i64 5
  store double %x18, ptr %slot19
  %x20 = extractelement <8 x double> %x, i64 6
  %x21 = call double @cos(double %x20)
  %slot22 = getelementptr double, ptr %result1, i64 6
  store double %x21, ptr %slot22
  %x23 = extractelement <8 x double> %x, i64 7
  %x24 = call double @cos(double %x23)
  %slot25 = getelementptr double, ptr %result1, i64 7
  store double %x24, ptr %slot25
  %x26 = load <8 x double>, ptr %result1, align 64
  ret <8 x double> %x26
}

define void @kernel.pendulums(i64 %first, i64 %last, ptr noalias %table) noinline #0 {
entry:
  %theta.slot = alloca <8 x double>, align 64
  %omega.slot = alloca <8 x double>, align 64
  %counter25 = alloca i64
  %held71 = alloca <8 x double>, align 64
  store <8 x double> zeroinitializer, ptr %held71, align 64
  %array.q.at = getelementptr i64, ptr %table, i64 0
  %array.q = load ptr, ptr %array.q.at
  %array.energy.at = getelementptr i64, ptr %table, i64 1
  %array.energy = load ptr, ptr %array.energy.at
  %array.wide.at = getelementptr i64, ptr %table, i64 2
  %array.wide = load ptr, ptr %array.wide.at
  %lane.stride.at = getelementptr i64, ptr %table, i64 3
  %lane.stride = load i64, ptr %lane.stride.at
  %lane.halo.at = getelementptr i64, ptr %table, i64 4
  %lane.halo = load i64, ptr %lane.halo.at
  %lane.blocks.at = getelementptr i64, ptr %table, i64 5
  %lane.blocks = load i64, ptr %lane.blocks.at
  %lane.extent.at = getelementptr i64, ptr %table, i64 6
  %lane.extent = load i64, ptr %lane.extent.at
  %scalar.steps.at = getelementptr i64, ptr %table, i64 7
  %scalar.steps = load i64, ptr %scalar.steps.at
  %scalar.h.at = getelementptr i64, ptr %table, i64 8
  %scalar.h = load double, ptr %scalar.h.at
  %scalar.g.at = getelementptr i64, ptr %table, i64 9
  %scalar.g = load double, ptr %scalar.g.at
  %scalar.l.at = getelementptr i64, ptr %table, i64 10
  %scalar.l = load double, ptr %scalar.l.at
  %row.first = sdiv i64 %first, %lane.blocks
  %column.first = srem i64 %first, %lane.blocks
  br label %tiles
tiles:
  %tile = phi i64 [0, %entry], [%tile.end, %tile.done]
  %tile.more = icmp slt i64 %tile, %lane.blocks
  br i1 %tile.more, label %tile.start, label %end
tile.start:
  %tile.end = add nsw i64 %tile, 1099511627776
  br label %rows
rows:
  %row = phi i64 [%row.first, %tile.start], [%row.next, %row.done]
  %row.begin = mul nsw i64 %row, %lane.blocks
  %row.more = icmp slt i64 %row.begin, %last
  br i1 %row.more, label %row.here, label %tile.done
row.here:
  %row.is.first = icmp eq i64 %row, %row.first
  %row.low = select i1 %row.is.first, i64 %column.first, i64 0
  %column = call i64 @llvm.smax.i64(i64 %row.low, i64 %tile)
  %left = sub nsw i64 %last, %row.begin
  %row.high = call i64 @llvm.smin.i64(i64 %left, i64 %lane.blocks)
  %column.last = call i64 @llvm.smin.i64(i64 %row.high, i64 %tile.end)
  %more = icmp slt i64 %column, %column.last
  br i1 %more, label %row.start, label %row.done
row.start:
  br label %instance
instance:
  %block = phi i64 [%column, %row.start], [%block.next, %next]
  %x1 = mul nsw i64 %block, 8
  %x2 = add nsw i64 %x1, %lane.halo
  %x3 = insertelement <8 x i64> poison, i64 %x1, i64 0
  %x4 = shufflevector <8 x i64> %x3, <8 x i64> poison, <8 x i32> zeroinitializer
  %x5 = add nsw <8 x i64> %x4, <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>
  %x6 = insertelement <8 x i64> poison, i64 %lane.extent, i64 0
  %x7 = shufflevector <8 x i64> %x6, <8 x i64> poison, <8 x i32> zeroinitializer
  %x8 = icmp slt <8 x i64> %x5, %x7
  ; angle and angular velocity
  %x9 = mul i64 0, 2
  %x10 = add i64 %x9, 0
  %x11 = mul i64 %x10, %lane.stride
  %x12 = add i64 %x11, %x2
  %at13 = getelementptr double, ptr %array.q, i64 %x12
  %x14 = load <8 x double>, ptr %at13, align 8
  store <8 x double> %x14, ptr %theta.slot, align 64
  %x15 = mul i64 0, 2
  %x16 = add i64 %x15, 1
  %x17 = mul i64 %x16, %lane.stride
  %x18 = add i64 %x17, %x2
  %at19 = getelementptr double, ptr %array.q, i64 %x18
  %x20 = load <8 x double>, ptr %at19, align 8
  store <8 x double> %x20, ptr %omega.slot, align 64
  store i64 0, ptr %counter25
  br label %for21
for21:
  %i24 = load i64, ptr %counter25
  %x26 = icmp slt i64 %i24, %scalar.steps
  br i1 %x26, label %body22, label %done23
body22:
  %x27 = load <8 x double>, ptr %omega.slot, align 64
  %x28 = load <8 x double>, ptr %theta.slot, align 64
  %x29 = call { <8 x double>, <8 x double> } @sym.math.sincos.v8f64(<8 x double> %x28)
  %x30 = extractvalue { <8 x double>, <8 x double> } %x29, 0
  %x31 = extractvalue { <8 x double>, <8 x double> } %x29, 1
  %x32 = fdiv double %scalar.g, %scalar.l
  %x33 = insertelement <8 x double> poison, double %x32, i64 0
  %x34 = shufflevector <8 x double> %x33, <8 x double> poison, <8 x i32> zeroinitializer
  %x35 = fmul contract <8 x double> %x30, %x34
  %x36 = insertelement <8 x double> poison, double %scalar.h, i64 0
  %x37 = shufflevector <8 x double> %x36, <8 x double> poison, <8 x i32> zeroinitializer
  %x38 = fmul contract <8 x double> %x35, %x37
  %x39 = fsub contract <8 x double> %x27, %x38
  store <8 x double> %x39, ptr %omega.slot, align 64
  %x40 = load <8 x double>, ptr %omega.slot, align 64
  %x41 = insertelement <8 x double> poison, double %scalar.h, i64 0
  %x42 = shufflevector <8 x double> %x41, <8 x double> poison, <8 x i32> zeroinitializer
  %x43 = fmul contract <8 x double> %x40, %x42
  %x44 = fadd contract <8 x double> %x43, %x28
  store <8 x double> %x44, ptr %theta.slot, align 64
  %x45 = add nsw i64 %i24, 1
  store i64 %x45, ptr %counter25
  br label %for21
done23:
  %x46 = load <8 x double>, ptr %theta.slot, align 64
  %x47 = mul i64 0, 2
  %x48 = add i64 %x47, 0
  %x49 = mul i64 %x48, %lane.stride
  %x50 = add i64 %x49, %x2
  %at51 = getelementptr double, ptr %array.q, i64 %x50
  store <8 x double> %x46, ptr %at51, align 8
  %x52 = load <8 x double>, ptr %omega.slot, align 64
  %x53 = mul i64 0, 2
  %x54 = add i64 %x53, 1
  %x55 = mul i64 %x54, %lane.stride
  %x56 = add i64 %x55, %x2
  %at57 = getelementptr double, ptr %array.q, i64 %x56
  store <8 x double> %x52, ptr %at57, align 8
  ; energy over m l^2
  %at58 = getelementptr double, ptr %array.energy, i64 0
  %x59 = fmul contract <8 x double> %x52, %x52
  %x60 = fmul contract <8 x double> %x59, splat (double 0x3FE0000000000000)
  %x61 = call { <8 x double>, <8 x double> } @sym.math.sincos.v8f64(<8 x double> %x46)
  %x62 = extractvalue { <8 x double>, <8 x double> } %x61, 0
  %x63 = extractvalue { <8 x double>, <8 x double> } %x61, 1
  %x64 = fsub contract <8 x double> splat (double 0x3FF0000000000000), %x63
  %x65 = fdiv double %scalar.g, %scalar.l
  %x66 = insertelement <8 x double> poison, double %x65, i64 0
  %x67 = shufflevector <8 x double> %x66, <8 x double> poison, <8 x i32> zeroinitializer
  %x68 = fmul contract <8 x double> %x64, %x67
  %x69 = fadd contract <8 x double> %x60, %x68
  %x70 = select <8 x i1> %x8, <8 x double> %x69, <8 x double> splat (double 0x0000000000000000)
  %x72 = load <8 x double>, ptr %held71, align 64
  %x73 = fadd <8 x double> %x72, %x70
  store <8 x double> %x73, ptr %held71, align 64
  %x74 = call <8 x double> @llvm.fabs.v8f64(<8 x double> %x46)
  %x75 = fcmp olt <8 x double> splat (double 0x3FE0000000000000), %x74
  %x78 = call i1 @llvm.vector.reduce.or.v8i1(<8 x i1> %x75)
  br i1 %x78, label %if76, label %fi77
if76:
  %x79 = mul i64 0, 1
  %x80 = add i64 %x79, 0
  %at81 = getelementptr i64, ptr %array.wide, i64 %x80
  %x82 = and <8 x i1> %x75, %x8
  %x83 = select <8 x i1> %x82, <8 x i64> splat (i64 1), <8 x i64> splat (i64 0)
  %x84 = call i64 @llvm.vector.reduce.add.v8i64(<8 x i64> %x83)
  %x85 = load i64, ptr %at81
  %x86 = add i64 %x85, %x84
  store i64 %x86, ptr %at81
  br label %fi77
fi77:
  br label %next
next:
  %block.next = add nsw i64 %block, 1
  %within = icmp slt i64 %block.next, %column.last
  br i1 %within, label %instance, label %row.done
row.done:
  %row.next = add nsw i64 %row, 1
  br label %rows
tile.done:
  br label %tiles
end:
  %x87 = load <8 x double>, ptr %held71, align 64
  %x88 = call reassoc double @llvm.vector.reduce.fadd.v8f64(double 0x8000000000000000, <8 x double> %x87)
  %at89 = getelementptr double, ptr %array.energy, i64 0
  %x90 = load double, ptr %at89
  %x91 = fadd double %x90, %x88
  store double %x91, ptr %at89
  ret void
}

attributes #0 = { nounwind alignstack=64 "prefer-vector-width"="512" "min-legal-vector-width"="512" }

!0 = !{!"branch_weights", i32 1, i32 100000}

!1 = !{}
