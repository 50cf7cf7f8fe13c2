"""The decorators for Keras 1's spellings of layers' arguments under Keras's names: what `legacy.interfaces` shows.

A layer of a third party that takes Dense's arguments wears `@interfaces.legacy_dense_support`.
"""

from polykeras.legacy.interfaces import respell
from polykeras_layers import _spellings

legacy_dense_support = _spellings.dense
legacy_dropout_support = _spellings.dropout
legacy_spatialdropout1d_support = _spellings.dropout
legacy_spatialdropoutNd_support = _spellings.spatial_dropout  # noqa: N816 - Keras's name
legacy_gaussiannoise_support = _spellings.gaussian_noise
legacy_gaussiandropout_support = _spellings.dropout
legacy_prelu_support = _spellings.prelu
legacy_lambda_support = respell()
legacy_embedding_support = _spellings.embedding
legacy_batchnorm_support = _spellings.batch_normalization
legacy_recurrent_support = _spellings.recurrent
legacy_convlstm2d_support = _spellings.conv_recurrent
legacy_conv1d_support = _spellings.conv1d
legacy_conv2d_support = _spellings.conv2d
legacy_conv3d_support = _spellings.conv3d
legacy_deconv2d_support = _spellings.conv2d_transpose
legacy_separable_conv2d_support = _spellings.separable_conv2d
legacy_pooling1d_support = _spellings.pooling1d
legacy_pooling2d_support = _spellings.pooling
legacy_pooling3d_support = _spellings.pooling
legacy_global_pooling_support = _spellings.global_pooling
legacy_upsampling1d_support = _spellings.upsampling1d
legacy_upsampling2d_support = _spellings.upsampling
legacy_upsampling3d_support = _spellings.upsampling
legacy_cropping2d_support = _spellings.cropping
legacy_cropping3d_support = _spellings.cropping
legacy_zeropadding2d_support = _spellings.padding2d
legacy_zeropadding3d_support = _spellings.padding3d
