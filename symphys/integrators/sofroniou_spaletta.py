"""Sofroniou and Spaletta's composition of thirty-five Verlet steps, of order 10, for work near rounding error."""

from symphys.integrators.splitting import Splitting, verlet_composition

SOFRONIOU_SPALETTA10 = Splitting(
    name="sofroniou_spaletta10",
    order=10,
    source="Sofroniou and Spaletta, Optimization Methods and Software 20 (2005) 597, doi:10.1080/10556780500140664",
    stages=verlet_composition(
        (
            0.07879572252168641926390768,
            0.31309610341510852776481247,
            0.02791838323507806610952027,
            -0.22959284159390709415121340,
            0.13096206107716486317465686,
            -0.26973340565451071434460973,
            0.07497334315589143566613711,
            0.11199342399981020488957508,
            0.36613344954622675119314812,
            -0.39910563013603589787862981,
            0.10308739852747107731580277,
            0.41143087395589023782070412,
            -0.00486636058313526176219566,
            -0.39203335370863990644808194,
            0.05194250296244964703718290,
            0.05066509075992449633587434,
            0.04967437063972987905456880,
            0.04931773575959453791768001,
        )
    ),
)

METHODS = (SOFRONIOU_SPALETTA10,)
