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
  %counter30 = alloca i64
  %held76 = alloca <8 x double>, align 64
  store <8 x double> zeroinitializer, ptr %held76, align 64
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
  %x6 = mul nsw i64 %block, 8
  %x7 = sub nsw i64 %lane.extent, %x6
  %x8 = icmp sge i64 %x7, 8
  %short9 = trunc i64 %x7 to i8
  %one10 = shl i8 1, %short9
  %few11 = sub i8 %one10, 1
  %mask12 = select i1 %x8, i8 -1, i8 %few11
  %x13 = bitcast i8 %mask12 to <8 x i1>
  ; angle and angular velocity
  %x14 = mul i64 0, 2
  %x15 = add i64 %x14, 0
  %x16 = mul i64 %x15, %lane.stride
  %x17 = add i64 %x16, %x2
  %at18 = getelementptr double, ptr %array.q, i64 %x17
  %x19 = load <8 x double>, ptr %at18, align 8
  store <8 x double> %x19, ptr %theta.slot, align 64
  %x20 = mul i64 0, 2
  %x21 = add i64 %x20, 1
  %x22 = mul i64 %x21, %lane.stride
  %x23 = add i64 %x22, %x2
  %at24 = getelementptr double, ptr %array.q, i64 %x23
  %x25 = load <8 x double>, ptr %at24, align 8
  store <8 x double> %x25, ptr %omega.slot, align 64
  store i64 0, ptr %counter30
  br label %for26
for26:
  %i29 = load i64, ptr %counter30
  %x31 = icmp slt i64 %i29, %scalar.steps
  br i1 %x31, label %body27, label %done28
body27:
  %x32 = load <8 x double>, ptr %omega.slot, align 64
  %x33 = load <8 x double>, ptr %theta.slot, align 64
  %x34 = call { <8 x double>, <8 x double> } @sym.math.sincos.v8f64(<8 x double> %x33)
  %x35 = extractvalue { <8 x double>, <8 x double> } %x34, 0
  %x36 = extractvalue { <8 x double>, <8 x double> } %x34, 1
  %x37 = fdiv double %scalar.g, %scalar.l
  %x38 = insertelement <8 x double> poison, double %x37, i64 0
  %x39 = shufflevector <8 x double> %x38, <8 x double> poison, <8 x i32> zeroinitializer
  %x40 = fmul contract <8 x double> %x35, %x39
  %x41 = insertelement <8 x double> poison, double %scalar.h, i64 0
  %x42 = shufflevector <8 x double> %x41, <8 x double> poison, <8 x i32> zeroinitializer
  %x43 = fmul contract <8 x double> %x40, %x42
  %x44 = fsub contract <8 x double> %x32, %x43
  store <8 x double> %x44, ptr %omega.slot, align 64
  %x45 = load <8 x double>, ptr %omega.slot, align 64
  %x46 = insertelement <8 x double> poison, double %scalar.h, i64 0
  %x47 = shufflevector <8 x double> %x46, <8 x double> poison, <8 x i32> zeroinitializer
  %x48 = fmul contract <8 x double> %x45, %x47
  %x49 = fadd contract <8 x double> %x48, %x33
  store <8 x double> %x49, ptr %theta.slot, align 64
  %x50 = add nsw i64 %i29, 1
  store i64 %x50, ptr %counter30
  br label %for26
done28:
  %x51 = load <8 x double>, ptr %theta.slot, align 64
  %x52 = mul i64 0, 2
  %x53 = add i64 %x52, 0
  %x54 = mul i64 %x53, %lane.stride
  %x55 = add i64 %x54, %x2
  %at56 = getelementptr double, ptr %array.q, i64 %x55
  store <8 x double> %x51, ptr %at56, align 8
  %x57 = load <8 x double>, ptr %omega.slot, align 64
  %x58 = mul i64 0, 2
  %x59 = add i64 %x58, 1
  %x60 = mul i64 %x59, %lane.stride
  %x61 = add i64 %x60, %x2
  %at62 = getelementptr double, ptr %array.q, i64 %x61
  store <8 x double> %x57, ptr %at62, align 8
  ; energy over m l^2
  %at63 = getelementptr double, ptr %array.energy, i64 0
  %x64 = fmul contract <8 x double> %x57, %x57
  %x65 = fmul contract <8 x double> %x64, splat (double 0x3FE0000000000000)
  %x66 = call { <8 x double>, <8 x double> } @sym.math.sincos.v8f64(<8 x double> %x51)
  %x67 = extractvalue { <8 x double>, <8 x double> } %x66, 0
  %x68 = extractvalue { <8 x double>, <8 x double> } %x66, 1
  %x69 = fsub contract <8 x double> splat (double 0x3FF0000000000000), %x68
  %x70 = fdiv double %scalar.g, %scalar.l
  %x71 = insertelement <8 x double> poison, double %x70, i64 0
  %x72 = shufflevector <8 x double> %x71, <8 x double> poison, <8 x i32> zeroinitializer
  %x73 = fmul contract <8 x double> %x69, %x72
  %x74 = fadd contract <8 x double> %x65, %x73
  %x75 = select <8 x i1> %x13, <8 x double> %x74, <8 x double> splat (double 0x0000000000000000)
  %x77 = load <8 x double>, ptr %held76, align 64
  %x78 = fadd <8 x double> %x77, %x75
  store <8 x double> %x78, ptr %held76, align 64
  %x79 = call <8 x double> @llvm.fabs.v8f64(<8 x double> %x51)
  %x80 = fcmp olt <8 x double> splat (double 0x3FE0000000000000), %x79
  %x83 = call i1 @llvm.vector.reduce.or.v8i1(<8 x i1> %x80)
  br i1 %x83, label %if81, label %fi82
if81:
  %x84 = mul i64 0, 1
  %x85 = add i64 %x84, 0
  %at86 = getelementptr i64, ptr %array.wide, i64 %x85
  %x87 = and <8 x i1> %x80, %x13
  %x88 = select <8 x i1> %x87, <8 x i64> splat (i64 1), <8 x i64> splat (i64 0)
  %x89 = call i64 @llvm.vector.reduce.add.v8i64(<8 x i64> %x88)
  %x90 = load i64, ptr %at86
  %x91 = add i64 %x90, %x89
  store i64 %x91, ptr %at86
  br label %fi82
fi82:
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
  %x92 = load <8 x double>, ptr %held76, align 64
  %x93 = call reassoc double @llvm.vector.reduce.fadd.v8f64(double 0x8000000000000000, <8 x double> %x92)
  %at94 = getelementptr double, ptr %array.energy, i64 0
  %x95 = load double, ptr %at94
  %x96 = fadd double %x95, %x93
  store double %x96, ptr %at94
  ret void
}

attributes #0 = { nounwind alignstack=64 "prefer-vector-width"="512" "min-legal-vector-width"="512" }

!0 = !{!"branch_weights", i32 1, i32 100000}

!1 = !{}
